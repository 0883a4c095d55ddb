"""Names derived from content: the same content has one name, other content has another."""

from __future__ import annotations

import hashlib
import math
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.identity import canonical_json, file_digest, fingerprint, version_of, video_id_of

PARTS = st.lists(st.text(alphabet="ab\x00", max_size=3), max_size=4)
PAYLOADS = st.dictionaries(
    st.text(max_size=4),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(-1e9, 1e9) | st.text(max_size=4),
        lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=3), values, max_size=3),
        max_leaves=6,
    ),
    max_size=5,
)


def _shuffled(value: object, seed: int) -> object:
    if isinstance(value, dict):
        items = [(key, _shuffled(child, seed)) for key, child in value.items()]
        random.Random(seed).shuffle(items)
        return dict(items)
    if isinstance(value, list):
        return [_shuffled(child, seed) for child in value]
    return value


@given(one=PARTS, other=PARTS)
def test_two_lists_of_parts_share_a_fingerprint_only_if_they_are_equal(one: list[str], other: list[str]) -> None:
    assert (fingerprint(one) == fingerprint(other)) == (one == other)


@settings(max_examples=50)
@given(text=st.text(min_size=1, max_size=20), data=st.data())
def test_a_text_cut_elsewhere_has_another_fingerprint(text: str, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(text)))
    second = data.draw(st.integers(0, len(text)).filter(lambda cut: cut != first))
    assert fingerprint([text[:first], text[first:]]) != fingerprint([text[:second], text[second:]])
    assert fingerprint([text]) not in (fingerprint([text, ""]), fingerprint(["", text]))


@given(parts=PARTS)
def test_text_and_its_bytes_are_the_same_part(parts: list[str]) -> None:
    assert fingerprint(parts) == fingerprint(part.encode() for part in parts)
    assert len(fingerprint(parts)) == 32


@settings(max_examples=50)
@given(payload=PAYLOADS, seed=st.integers(0, 1000))
def test_a_version_does_not_depend_on_the_order_of_keys(payload: dict[str, object], seed: int) -> None:
    shuffled = _shuffled(payload, seed)
    assert isinstance(shuffled, dict)
    assert version_of("slug", shuffled) == version_of("slug", payload)


@settings(max_examples=50)
@given(payload=PAYLOADS, key=st.text(max_size=4), value=st.integers())
def test_a_version_depends_on_every_value(payload: dict[str, object], key: str, value: int) -> None:
    before = {**payload, key: value}
    assert version_of("slug", before) != version_of("slug", {**payload, key: value + 1})
    assert version_of("slug", before) != version_of("slug", {name: v for name, v in before.items() if name != key})


def test_a_version_is_a_slug_and_twelve_hex_digits() -> None:
    slug, digits = version_of("conse-lite", {"dim": 512}).rsplit("-", 1)
    assert slug == "conse-lite"
    assert len(digits) == 12
    assert int(digits, 16) >= 0


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_value_that_json_does_not_know_has_no_version(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"weight": value})


def test_a_video_keeps_its_name_wherever_it_lies(tmp_path: Path) -> None:
    content = random.Random(7).randbytes(300_000)
    one, copy, other = tmp_path / "one.mp4", tmp_path / "copy of it.mov", tmp_path / "other.mp4"
    one.write_bytes(content)
    copy.write_bytes(content)
    other.write_bytes(content[:-1])
    assert file_digest(one) == hashlib.sha256(content).hexdigest()
    assert video_id_of(one) == video_id_of(copy) == file_digest(one)[:32]
    assert video_id_of(other) != video_id_of(one)


def test_a_file_that_is_not_there_has_no_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        video_id_of(tmp_path / "gone.mp4")
