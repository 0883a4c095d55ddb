"""Keyframes read back: all of them, in order, whatever other handles do to the table meanwhile."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.identity import fingerprint
from lake.buckets import BucketRange
from lake.keyframes import SegmentPictures, keyframes_fingerprint, read_keyframes
from lake.schema import KEYFRAMES
from lake.store import Lake
from tests.lake.samples import keyframe_row

VIDEOS = [f"{number:02x}{number:02x}" for number in range(0, 240, 20)]
SEGMENTS = [f"{video_id}-{number}000-{number + 1}000" for video_id in VIDEOS for number in range(3)]
POSITIONS = (2, 0, 3, 1)


def _write(lake: Lake, *, edition: str = "") -> None:
    """One commit, so one fragment, for each video; the keyframes of a segment not in the order of time."""
    for video_id in VIDEOS:
        segments = [segment_id for segment_id in SEGMENTS if segment_id.startswith(video_id)]
        rows = [
            keyframe_row(segment_id, position, edition=edition) for position in POSITIONS for segment_id in segments
        ]
        lake.replace(KEYFRAMES, rows, video_ids=[video_id])


def _expected(segment_id: str, *, edition: str = "") -> SegmentPictures:
    rows = [keyframe_row(segment_id, position, edition=edition) for position in sorted(POSITIONS)]
    jpegs = tuple(bytes(row["jpeg"]) for row in rows)
    return SegmentPictures(segment_id, jpegs, fingerprint([str(row["digest"]) for row in rows]))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake whose keyframes no test changes."""
    lake = Lake(tmp_path_factory.mktemp("keyframes") / "lake")
    _write(lake)
    return lake


@settings(max_examples=15, deadline=None)
@given(segment_ids=st.lists(st.sampled_from(SEGMENTS), unique=True, max_size=12), batch=st.integers(1, 14))
def test_batches_follow_the_order_that_was_asked_for(written: Lake, segment_ids: list[str], batch: int) -> None:
    batches = list(read_keyframes(written, segment_ids, BucketRange(), batch_segments=batch))
    assert [found for part in batches for found in part] == [_expected(segment_id) for segment_id in segment_ids]
    assert all(len(part) == batch for part in batches[:-1])
    assert all(batches)


def test_a_segment_without_keyframes_comes_back_empty(written: Lake) -> None:
    asked = ["nothing-0-1", SEGMENTS[4], "ffff-0-1"]
    [found] = read_keyframes(written, asked, BucketRange(), batch_segments=8)
    assert [pictures.segment_id for pictures in found] == asked
    assert [len(pictures.jpegs) for pictures in found] == [0, 4, 0]
    assert found[1] == _expected(SEGMENTS[4])


def test_only_the_buckets_asked_for_are_read(written: Lake) -> None:
    first, last = SEGMENTS[0], SEGMENTS[-1]
    [found] = read_keyframes(written, [first, last], BucketRange.of_partitions(["0"]), batch_segments=8)
    assert [len(pictures.jpegs) for pictures in found] == [4, 0]


def test_the_fingerprint_depends_on_the_pictures_and_their_order() -> None:
    assert keyframes_fingerprint(["a", "b"]) != keyframes_fingerprint(["b", "a"])
    assert keyframes_fingerprint(["a", "b"]) != keyframes_fingerprint(["ab"])


def test_a_compaction_between_two_batches_moves_nothing(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    _write(lake)
    batches = read_keyframes(lake, SEGMENTS, BucketRange(), batch_segments=7)
    found = list(next(batches))
    other = Lake(lake.folder)
    assert len(other.snapshot("keyframes").get_fragments()) == len(VIDEOS)
    with pytest.warns(UserWarning, match="removes every version"):
        other.table("keyframes").optimize(cleanup_older_than=timedelta(0))
    assert len(other.snapshot("keyframes").get_fragments()) == 1
    found += [pictures for part in batches for pictures in part]
    assert found == [_expected(segment_id) for segment_id in SEGMENTS]


def test_rows_rewritten_between_two_batches_are_read_as_they_are_now(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    _write(lake)
    batches = read_keyframes(lake, SEGMENTS, BucketRange(), batch_segments=9)
    first = next(batches)
    other = Lake(lake.folder)
    _write(other, edition=" again")
    other.delete("keyframes", "segment_id", [SEGMENTS[-1]])
    with pytest.warns(UserWarning, match="removes every version"):
        other.table("keyframes").optimize(cleanup_older_than=timedelta(0))
    rest = [pictures for part in batches for pictures in part]
    assert first == [_expected(segment_id) for segment_id in SEGMENTS[:9]]
    assert rest[:-1] == [_expected(segment_id, edition=" again") for segment_id in SEGMENTS[9:-1]]
    assert rest[-1].jpegs == ()
