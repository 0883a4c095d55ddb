"""References to specs to loaded models, and what is said when that fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from encoders import registry
from encoders.conse import ConseSpec
from encoders.errors import EncoderError, UnknownModel, WeightsMissing
from encoders.faster_whisper import FasterWhisperSpec
from encoders.minilm import MiniLMSpec
from encoders.weights import PackagedWeights, find_weights

DEFAULT_SETTINGS: tuple[tuple[registry.Role, str], ...] = (
    ("visual", "conse"),
    ("text", "minilm"),
    ("transcriber", "faster_whisper"),
    ("captioner", "imagenet_labels"),
)


@pytest.mark.usefixtures("embedded")
def test_a_reference_gives_the_same_version_each_time_and_with_or_without_the_model() -> None:
    for family in registry.FAMILIES:
        if not family.models:
            continue
        short = registry.resolve(family.role, family.name)
        full = registry.resolve(family.role, f"{family.name}:{family.models[0]}")
        assert short.version == full.version
        assert (short.role, short.family) == (family.role, family.name)
        assert short.describe


@pytest.mark.parametrize(
    ("role", "reference"),
    [("visual", "clip"), ("text", "conse"), ("transcriber", "faster_whisper:large"), ("text", "")],
)
def test_an_unknown_reference_is_answered_with_the_known_ones(role: registry.Role, reference: str) -> None:
    with pytest.raises(UnknownModel) as raised:
        registry.resolve(role, reference)
    for known in registry.known_references(role):
        assert known in str(raised.value)


def test_a_missing_package_names_the_extra_to_install() -> None:
    with pytest.raises(WeightsMissing, match=r"reelindex\[embedded\]"):
        find_weights("no-such-weights", "model.bin")


def test_a_missing_file_of_an_installed_package_is_named() -> None:
    with pytest.raises(WeightsMissing, match=r"absent\.bin"):
        find_weights("numpy", "numpy/absent.bin")


def _other_bytes(weights: PackagedWeights) -> PackagedWeights:
    return weights.model_copy(update={"files": tuple(f.model_copy(update={"sha256": "0" * 64}) for f in weights.files)})


def test_a_spec_of_other_weights_does_not_load(
    minilm_spec: MiniLMSpec, conse_spec: ConseSpec, whisper_spec: FasterWhisperSpec
) -> None:
    classifier = conse_spec.classifier
    strangers = [
        minilm_spec.model_copy(update={"weights": _other_bytes(minilm_spec.weights)}),
        whisper_spec.model_copy(update={"weights": _other_bytes(whisper_spec.weights)}),
        whisper_spec.model_copy(update={"voice_detector_sha256": "0" * 64}),
        conse_spec.model_copy(
            update={"sentences": minilm_spec.model_copy(update={"weights": _other_bytes(minilm_spec.weights)})}
        ),
        conse_spec.model_copy(
            update={"classifier": classifier.model_copy(update={"weights": _other_bytes(classifier.weights)})}
        ),
        conse_spec.model_copy(update={"classifier": classifier.model_copy(update={"architecture_revision": "9.9"})}),
    ]
    for spec in strangers:
        with pytest.raises(WeightsMissing, match="made"):
            registry.load(spec)


def test_a_model_of_another_role_is_refused(minilm_spec: MiniLMSpec) -> None:
    with pytest.raises(EncoderError, match="cannot serve as visual"):
        registry.load_visual(minilm_spec)


@pytest.mark.usefixtures("embedded")
def test_the_versions_of_the_embedded_models_stay_what_they_are() -> None:
    """A corpus that was embedded with them must not be embedded again because reelindex learnt about other models."""
    assert {registry.resolve(role, reference).version for role, reference in DEFAULT_SETTINGS} == {
        "conse-efficientnet-lite2-c0747f82e040",
        "all-minilm-l6-v2-854274c39df6",
        "whisper-tiny.en-int8-5371d46c53d3",
        "imagenet_labels-efficientnet-lite2-88be9d87b895",
    }


@pytest.mark.usefixtures("embedded")
def test_resolving_every_model_imports_no_network_library() -> None:
    program = (
        "import sys; from encoders import registry, spec, canary\n"
        "for f in registry.FAMILIES: [registry.resolve(f.role, f'{f.name}:{m}') for m in f.models]\n"
        "heavy = {'torch', 'faster_whisper', 'ctranslate2', 'tokenizers', 'safetensors', 'PIL', 'cv2', 'av'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    root = Path(registry.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
