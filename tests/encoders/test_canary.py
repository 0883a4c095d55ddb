"""A canary notices a model that does not say what it said, and names both."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from typing import Any

import numpy as np
import pytest

from encoders import canary
from encoders.canary import Canary
from encoders.conse import Conse, ConseSpec
from encoders.efficientnet import Backbone
from encoders.errors import CanaryMismatch
from encoders.family import Runtime
from encoders.faster_whisper import FasterWhisper, FasterWhisperSpec
from encoders.imagenet_labels import ImagenetLabels, resolve_imagenet_labels
from encoders.minilm import MiniLM, MiniLMSpec


def test_every_role_has_a_canary_that_survives_json_and_agrees_with_itself(
    conse: Conse, minilm: MiniLM, whisper: FasterWhisper
) -> None:
    labels = ImagenetLabels(resolve_imagenet_labels(), Runtime())
    expected = {"visual": {"pictures", "queries"}, "text": {"queries", "documents"}, "transcriber": {"sound"},
                "captioner": {"captions"}}  # fmt: skip
    for model in (conse, minilm, whisper, labels):
        stored = canary.compute(model)
        assert set(stored.parts) == expected[model.spec.role]
        back = Canary.from_dict(json.loads(json.dumps(stored.to_dict())))
        for part, rows in stored.parts.items():
            np.testing.assert_array_equal(back.parts[part], rows)
        canary.verify(back, canary.compute(model))


def test_the_inputs_are_the_same_on_every_machine() -> None:
    from io import BytesIO

    from PIL import Image

    pixels = b"".join(Image.open(BytesIO(picture)).tobytes() for picture in canary.pictures())
    assert sha256(pixels).hexdigest()[:16] == "c2dc1fe1a2b10d5e"
    assert sha256(canary.sound().astype("<i2").tobytes()).hexdigest()[:16] == "3d90b420c261f2bb"


def test_changed_text_weights_are_noticed(minilm: MiniLM, minilm_spec: MiniLMSpec) -> None:
    import torch

    stored = canary.compute(minilm)
    other = MiniLM(minilm_spec)
    weight = other._network.layers.layers[0].linear1.weight
    torch.manual_seed(0)
    weight.add_(torch.randn_like(weight) * 0.05)

    with pytest.raises(CanaryMismatch, match=r"cosine 0\.\d+") as raised:
        canary.verify(stored, canary.compute(other))
    assert minilm_spec.version in str(raised.value)


def test_a_changed_picture_side_is_noticed_and_the_word_side_still_serves(
    conse: Conse, conse_spec: ConseSpec, cache_dir: Any
) -> None:
    import torch

    stored = canary.compute(conse)
    other = Conse(conse_spec, Runtime(cache_dir=cache_dir))
    backbone = Backbone(conse_spec.classifier)
    torch.manual_seed(0)
    backbone.network._fc.weight.add_(torch.randn_like(backbone.network._fc.weight) * 0.1)
    other._backbone = backbone

    canary.verify(stored, canary.compute(other, ["queries"]))
    with pytest.raises(CanaryMismatch, match="pictures"):
        canary.verify(stored, canary.compute(other, ["pictures"]))


def test_a_changed_audio_library_is_noticed(whisper: FasterWhisper, whisper_spec: FasterWhisperSpec) -> None:
    stored = canary.compute(whisper)
    other = FasterWhisper(whisper_spec, cpu_threads=1)
    other._model.feature_extractor.mel_filters = np.roll(other._model.feature_extractor.mel_filters, 3, axis=0)
    with pytest.raises(CanaryMismatch, match="sound"):
        canary.verify(stored, canary.compute(other))


def _canary(rows: list[list[float]]) -> Canary:
    return Canary("m-0123456789ab", {"queries": np.array(rows, dtype=np.float32)})


@pytest.mark.parametrize(
    "fresh",
    [
        _canary([[1, 0], [np.nan, 1]]),
        _canary([[1, 0], [0, 0]]),
        _canary([[1, 0], [0.05, 1]]),
        _canary([[1, 0]]),
        Canary("m-0123456789ab", {"pictures": np.eye(2, dtype=np.float32)}),
        replace(_canary([[1, 0], [0, 1]]), version="n-0123456789ab"),
    ],
)
def test_what_differs_is_refused(fresh: Canary) -> None:
    with pytest.raises(CanaryMismatch):
        canary.verify(_canary([[1, 0], [0, 1]]), fresh)


def test_small_differences_are_not(minilm: MiniLM) -> None:
    canary.verify(_canary([[1, 0], [0, 1]]), _canary([[1, 0.001], [0.02, 1]]))


def test_a_part_that_the_model_does_not_have_is_refused(minilm: MiniLM) -> None:
    with pytest.raises(CanaryMismatch, match="pictures"):
        canary.compute(minilm, ["pictures"])


@pytest.mark.parametrize(
    "stored",
    [{}, {"version": "v"}, {"version": "v", "parts": {"smell": {"shape": [1, 1], "float32": "AACAPw=="}}},
     {"version": "v", "parts": {"queries": {"shape": [2, 2], "float32": "AACAPw=="}}},
     {"version": "v", "parts": {"queries": {"shape": [1, 1], "float32": "?"}}}],
)  # fmt: skip
def test_a_stored_canary_that_cannot_be_read_is_refused(stored: dict[str, Any]) -> None:
    with pytest.raises(CanaryMismatch, match="cannot be read"):
        Canary.from_dict(stored)
