"""A version depends on the content of a spec, on all of it, and on nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoders.conse import ConseSpec
from encoders.efficientnet import EfficientNetSpec
from encoders.errors import UnknownModel
from encoders.family import ModelSpec
from encoders.faster_whisper import FasterWhisperSpec
from encoders.imagenet_labels import ImagenetLabelsSpec
from encoders.minilm import MiniLMSpec
from encoders.spec import parse_spec, spec_json
from encoders.weights import PackagedWeights, WeightFile

digests = st.text("0123456789abcdef", min_size=64, max_size=64)
weights = st.builds(
    PackagedWeights,
    package=st.sampled_from(["a-package", "another"]),
    revision=st.from_regex(r"\d\.\d\.\d", fullmatch=True),
    files=st.lists(st.builds(WeightFile, path=st.just("a/model.bin"), sha256=digests), min_size=1, max_size=2).map(
        tuple
    ),
)
sentence_specs = st.builds(
    MiniLMSpec, weights=weights, max_tokens=st.integers(8, 512), dim=st.integers(1, 768), query_prompt=st.text()
)
classifiers = st.builds(EfficientNetSpec, architecture_revision=st.just("0.1.0"), weights=weights)
specs: st.SearchStrategy[ModelSpec] = st.one_of(
    sentence_specs,
    st.builds(
        ConseSpec, classifier=classifiers, sentences=sentence_specs, classes=digests, dim=st.just(384), top_k=st.just(9)
    ),
    st.builds(ImagenetLabelsSpec, classifier=classifiers, classes=digests, min_score=st.floats(0, 1)),
    st.builds(FasterWhisperSpec, weights=weights, voice_detector_sha256=digests, beam_size=st.integers(1, 9)),
)


@given(specs, st.randoms(use_true_random=False))
def test_a_spec_survives_json_whatever_the_order_of_its_fields(spec: ModelSpec, random: Any) -> None:
    def shuffled(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        keys = list(value)
        random.shuffle(keys)
        return {key: shuffled(value[key]) for key in keys}

    back = parse_spec(json.dumps(shuffled(json.loads(spec_json(spec)))))

    assert back == spec
    assert back.version == spec.version
    assert type(back) is type(spec)


@pytest.mark.filterwarnings("ignore:Pydantic serializer")
@given(specs, st.data())
def test_any_change_of_a_field_changes_the_version(spec: ModelSpec, data: st.DataObject) -> None:
    leaves = list(_leaves(spec.model_dump()))
    path = data.draw(st.sampled_from(leaves))
    payload = spec.model_dump()
    holder = payload
    for step in path[:-1]:
        holder = holder[step]
    old = holder[path[-1]]
    holder[path[-1]] = old + "x" if isinstance(old, str) else old + 1

    # Not validated: the property is about the digest, and a literal field has only one valid value.
    changed = _rebuilt(spec, payload)

    assert changed.version.rpartition("-")[2] != spec.version.rpartition("-")[2]


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Any:
    if isinstance(value, dict | list | tuple):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(inner, (*path, key))
    else:
        yield path


def _rebuilt(spec: ModelSpec, payload: dict[str, Any]) -> ModelSpec:
    return type(spec).model_construct(**payload)


@given(specs)
def test_the_version_reads_as_slug_and_twelve_digits(spec: ModelSpec) -> None:
    slug, _, digits = spec.version.rpartition("-")
    assert slug == spec.slug
    assert len(digits) == 12
    assert set(digits) <= set("0123456789abcdef")


def _spec() -> MiniLMSpec:
    files = (WeightFile(path="a/b", sha256="0" * 64),)
    return MiniLMSpec(weights=PackagedWeights(package="p", revision="1", files=files), max_tokens=256, dim=384)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"family": "open_sesame"}, "open_sesame"),
        ({"device": "cuda"}, "device"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"precision": "float8"}, "precision"),
    ],
)
def test_what_is_not_a_spec_is_refused_by_name(change: dict[str, object], named: str) -> None:
    text = json.dumps(json.loads(spec_json(_spec())) | change)
    with pytest.raises(UnknownModel, match=named):
        parse_spec(text)


def test_a_field_that_was_not_stored_is_not_guessed() -> None:
    stored = json.loads(spec_json(_spec()))
    del stored["query_prompt"]
    with pytest.raises(UnknownModel, match="another version of reelindex"):
        parse_spec(json.dumps(stored))


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_broken_json_is_refused(text: str) -> None:
    with pytest.raises(UnknownModel):
        parse_spec(text)
