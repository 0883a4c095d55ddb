"""Captions by networks that transformers loads: from a folder or a hub, the same each time, one per segment."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoders import canary
from encoders.errors import CanaryMismatch, EncodeFailed, UnknownModel, WeightsMissing
from encoders.family import Runtime
from encoders.protocols import Captioner
from encoders.vision_language import (
    FAMILY,
    VisionLanguage,
    VisionLanguageSpec,
    joined,
    load_vision_language,
    resolve_vision_language,
    spread,
)
from tests.encoders.caption_checkpoints import save_blip, save_florence, save_git
from tests.encoders.hub_server import MAIN, Hub

SAVES = {
    "BlipForConditionalGeneration": save_blip,
    "Florence2ForConditionalGeneration": save_florence,
    "GitForCausalLM": save_git,
}


@pytest.fixture(scope="module")
def blip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_blip(tmp_path_factory.mktemp("captioner") / "blip")


@pytest.fixture(scope="module")
def spec(blip_folder: Path) -> VisionLanguageSpec:
    return resolve_vision_language(f"@{blip_folder}")


@pytest.fixture(scope="module")
def blip(spec: VisionLanguageSpec) -> VisionLanguage:
    return load_vision_language(spec, Runtime(image_batch=3))


@pytest.mark.parametrize("architecture", SAVES)
def test_each_kind_of_network_says_something_of_every_segment_and_says_it_again(
    architecture: str, tmp_path: Path, jpegs: list[bytes]
) -> None:
    spec = resolve_vision_language(f"@{SAVES[architecture](tmp_path)}")
    assert spec.architecture == architecture
    captioner: Captioner = load_vision_language(spec, Runtime(image_batch=4))
    segments = [jpegs[:1], jpegs[1:3], jpegs[3:6]]

    captions = captioner.caption_segments(segments)

    assert len(captions) == 3
    assert all(caption.text and caption.labels == () for caption in captions)
    assert len({caption.text for caption in captions}) == 3
    assert not re.search(r"[\[<](PAD|CLS|SEP|s|/s|pad|image)[\]>]", " ".join(caption.text for caption in captions))
    assert load_vision_language(spec, Runtime(image_batch=1)).caption_segments(segments) == captions
    states = captioner.segment_features(segments)
    assert states.dtype == np.float32
    np.testing.assert_allclose(states[1], captioner.segment_features([[j] for j in jpegs[1:3]]).mean(axis=0), atol=1e-5)


@pytest.mark.parametrize("architecture", SAVES)
def test_no_segments_give_nothing_of_the_right_width(architecture: str, tmp_path: Path, jpegs: list[bytes]) -> None:
    captioner = load_vision_language(resolve_vision_language(f"@{SAVES[architecture](tmp_path)}"), Runtime())
    assert captioner.caption_segments([]) == []
    assert captioner.segment_features([]).shape == (0, captioner.segment_features([jpegs[:1]]).shape[1])


def test_a_picture_is_pushed_once_a_call_and_no_more_than_the_spec_says(
    spec: VisionLanguageSpec, jpegs: list[bytes]
) -> None:
    captioner = load_vision_language(spec, Runtime(image_batch=2))
    captions = captioner.caption_segments([jpegs[:1], jpegs[:1], [jpegs[0], jpegs[1]]])
    assert captioner.forward_passes.images == 2
    assert captions[0] == captions[1] != captions[2]

    (many,) = captioner.caption_segments([jpegs[:8]])
    assert captioner.forward_passes.images == 2 + spec.max_keyframes
    assert many == captioner.caption_segments([[jpegs[0], jpegs[4], jpegs[7]]])[0]


def test_a_longer_answer_and_a_wider_search_are_asked_for(
    spec: VisionLanguageSpec, blip: VisionLanguage, jpegs: list[bytes]
) -> None:
    changes: tuple[dict[str, int], ...] = ({"max_new_tokens": 2}, {"num_beams": 4})
    segments = [[jpeg] for jpeg in jpegs]
    plain = [caption.text for caption in blip.caption_segments(segments)]
    for change in changes:
        other = spec.model_copy(update=change)
        assert other.version != spec.version
        texts = [caption.text for caption in load_vision_language(other, Runtime()).caption_segments(segments)]
        assert texts != plain
    short = load_vision_language(spec.model_copy(update=changes[0]), Runtime()).caption_segments(segments)
    assert max(len(caption.text.split()) for caption in short) <= 2 < max(len(text.split()) for text in plain)


def test_a_spec_survives_json_and_a_renamed_copy_is_the_same_version(
    spec: VisionLanguageSpec, blip_folder: Path, tmp_path: Path
) -> None:
    assert spec.version.startswith("transformers-blip-")
    assert VisionLanguageSpec.model_validate_json(spec.model_dump_json()) == spec
    copy = shutil.copytree(blip_folder, tmp_path / "another name")
    (copy / "README.md").write_text("read me")
    assert resolve_vision_language(f"@{copy}").version == spec.version

    save_blip(copy, seed=1)
    other = resolve_vision_language(f"@{copy}")
    assert other.version != spec.version
    assert other.slug == spec.slug


def test_its_canary_comes_back_and_other_weights_are_noticed(
    spec: VisionLanguageSpec, blip: VisionLanguage, tmp_path: Path
) -> None:
    stored = canary.Canary.from_dict(json.loads(json.dumps(canary.compute(blip).to_dict())))
    assert set(stored.parts) == {"captions"}
    canary.verify(stored, canary.compute(load_vision_language(spec, Runtime(image_batch=1))))

    other = load_vision_language(resolve_vision_language(f"@{save_blip(tmp_path, seed=1)}"), Runtime())
    fresh = canary.Canary(version=stored.version, parts=canary.compute(other).parts)
    with pytest.raises(CanaryMismatch, match="captions"):
        canary.verify(stored, fresh)


def test_weights_replaced_after_they_were_named_are_refused(tmp_path: Path) -> None:
    spec = resolve_vision_language(f"@{save_blip(tmp_path)}")
    save_blip(tmp_path, seed=1)
    with pytest.raises(WeightsMissing, match=r"model\.safetensors.*not the bytes"):
        load_vision_language(spec, Runtime())


@pytest.mark.parametrize("call", ["caption_segments", "segment_features"])
def test_a_broken_picture_is_named_by_its_place(call: str, blip: VisionLanguage, jpegs: list[bytes]) -> None:
    with pytest.raises(EncodeFailed, match="keyframe 4 of the call"):
        getattr(blip, call)([jpegs[:3], [jpegs[3], jpegs[4][:90]]])
    with pytest.raises(EncodeFailed, match="segment 1"):
        getattr(blip, call)([jpegs[:1], []])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"architectures": ["BlipForQuestionAnswering"]}, "BlipForQuestionAnswering.*not known.*GitForCausalLM"),
        ({"architectures": None}, "no class"),
    ],
)
def test_a_network_that_writes_no_captions_is_refused_by_name(
    blip_folder: Path, tmp_path: Path, change: dict[str, object], named: str
) -> None:
    with pytest.raises(UnknownModel, match=named):
        resolve_vision_language(f"@{_reconfigured(blip_folder, tmp_path / 'copy', change)}")


def test_a_class_that_is_not_the_one_named_is_refused(blip_folder: Path, tmp_path: Path) -> None:
    folder = _reconfigured(blip_folder, tmp_path / "copy", {"architectures": ["GitForCausalLM"]})
    with pytest.raises(WeightsMissing, match="BlipForConditionalGeneration of what should be a GitForCausalLM"):
        load_vision_language(resolve_vision_language(f"@{folder}"), Runtime())


def _reconfigured(folder: Path, place: Path, change: dict[str, object]) -> Path:
    shutil.copytree(folder, place)
    config = json.loads((place / "config.json").read_text())
    (place / "config.json").write_text(json.dumps(config | change))
    return place


def test_weights_that_are_not_in_the_files_are_not_made_up(blip_folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(blip_folder, tmp_path / "copy")
    weights = load_file(folder / "model.safetensors")
    lost = next(name for name in weights if "attention" in name)
    save_file({name: value for name, value in weights.items() if name != lost}, folder / "model.safetensors")
    with pytest.raises(WeightsMissing, match=rf"lack 1 weights, such as {re.escape(lost)}"):
        load_vision_language(resolve_vision_language(f"@{folder}"), Runtime())


def _as_pickle(folder: Path) -> None:
    import torch
    from safetensors.torch import load_file

    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def test_weights_in_torch_s_older_form_are_taken_where_there_are_no_others(
    blip_folder: Path, blip: VisionLanguage, tmp_path: Path, jpegs: list[bytes]
) -> None:
    folder = shutil.copytree(blip_folder, tmp_path / "copy")
    _as_pickle(folder)
    spec = resolve_vision_language(f"@{folder}")
    assert "pytorch_model.bin" in {file.path for file in spec.weights.files}
    captions = load_vision_language(spec, Runtime()).caption_segments([jpegs[:2]])
    assert captions == blip.caption_segments([jpegs[:2]])

    (folder / "pytorch_model.bin").unlink()
    with pytest.raises(WeightsMissing, match="no weights"):
        resolve_vision_language(f"@{folder}")


@pytest.mark.parametrize("change", [lambda _: None, _as_pickle])
def test_a_hub_s_model_is_the_same_version_as_a_folder_of_the_same_files(
    change: Callable[[Path], None],
    blip_folder: Path,
    tmp_path: Path,
    hub: Hub,
    jpegs: list[bytes],
) -> None:
    folder = shutil.copytree(blip_folder, tmp_path / "copy")
    change(folder)
    hub.push("makers/captions", MAIN, {path.name: path.read_bytes() for path in folder.iterdir()})

    spec = resolve_vision_language("makers/captions@main")

    assert spec.version == resolve_vision_language(f"@{folder}").version
    assert load_vision_language(spec, Runtime()).caption_segments([jpegs[:1]])[0].text


def test_a_library_that_is_missing_is_named_with_how_to_install_it(
    blip_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(WeightsMissing, match=r"transformers.*pip install 'reelindex\[families\]'"):
        FAMILY.resolve(f"@{blip_folder}")


@pytest.mark.parametrize(
    ("captions", "text"),
    [
        ([], ""),
        (["", " ... "], ""),
        (["a dog  runs"], "a dog runs."),
        (["A dog runs.", "a dog runs", "a cat sits"], "A dog runs. a cat sits."),
        (["A dog. Is it wet? Yes!", "Is it wet"], "A dog. Is it wet? Yes!"),
    ],
)
def test_captions_become_one_text_without_repeats(captions: list[str], text: str) -> None:
    assert joined(captions) == text


@given(st.lists(st.lists(st.sampled_from(["a dog", "A dog.", "a cat!", "rain 3.5", ""])).map(" ".join)))
def test_joining_what_was_joined_changes_nothing(captions: list[str]) -> None:
    once = joined(captions)
    assert joined([once]) == once
    assert joined([*captions, once]) == once


@given(st.integers(1, 400), st.integers(1, 20))
def test_the_captioned_keyframes_are_spread_over_the_segment(count: int, most: int) -> None:
    chosen = spread(count, most)
    assert len(chosen) == min(count, most)
    assert chosen == sorted(set(chosen))
    assert set(chosen) <= set(range(count))
    if most > 1:
        assert {0, count - 1} <= set(chosen)
        gaps = np.diff(chosen)
        assert gaps.size == 0 or gaps.max() - gaps.min() <= 1 or count <= most


def test_the_features_are_what_the_first_word_is_picked_from(tmp_path: Path, jpegs: list[bytes]) -> None:
    import torch

    spec = resolve_vision_language(f"@{save_git(tmp_path)}").model_copy(update={"max_new_tokens": 1})
    captioner = load_vision_language(spec, Runtime())
    segments = [[jpeg] for jpeg in jpegs]
    with torch.inference_mode():
        scores = captioner._network.get_output_embeddings()(torch.from_numpy(captioner.segment_features(segments)))
    words = captioner._processor.batch_decode(scores.argmax(dim=1)[:, None], skip_special_tokens=True)

    assert len(set(words)) > 1
    assert [caption.text for caption in captioner.caption_segments(segments)] == [joined([word]) for word in words]
