"""Keyframes read back in batches: what a picture model sees instead of the video."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from kernel.identity import fingerprint
from lake.buckets import BucketRange
from lake.schema import KEYFRAMES
from lake.store import Lake, in_list


@dataclass(frozen=True, slots=True)
class SegmentPictures:
    """The keyframes of one segment as JPEG bytes, in the order of time."""

    segment_id: str
    jpegs: tuple[bytes, ...]
    fingerprint: str
    """Of the pictures as they were read: what a value made from them is provably made from."""


def read_keyframes(
    lake: Lake, segment_ids: Sequence[str], buckets: BucketRange, *, batch_segments: int
) -> Iterator[list[SegmentPictures]]:
    """Yields the keyframes of some segments, `batch_segments` segments at a time, in the order of `segment_ids`.

    One scan of the keys finds the rows; the pictures themselves are then read batch by batch, so that memory holds one
    batch whatever the size of the corpus. Row ids are stable: a compaction by another process moves nothing.
    """
    keys = lake.snapshot(KEYFRAMES.name).to_table(columns=["segment_id"], filter=buckets.where, with_row_id=True)
    keys = keys.filter(pc.is_in(keys["segment_id"], value_set=pa.array(segment_ids, pa.string())))
    rows: dict[str, list[int]] = defaultdict(list)
    for key in keys.to_pylist():
        rows[key["segment_id"]].append(key["_rowid"])
    for start in range(0, len(segment_ids), batch_segments):
        yield _take(lake, segment_ids[start : start + batch_segments], rows)


def _take(lake: Lake, segment_ids: Sequence[str], rows: dict[str, list[int]]) -> list[SegmentPictures]:
    wanted = [row for segment_id in segment_ids for row in rows.get(segment_id, ())]
    pictures: dict[str, list[tuple[str, bytes]]] = defaultdict(list)
    if wanted:
        columns = ["segment_id", "keyframe_id", "digest", "jpeg"]
        taken = lake.table(KEYFRAMES.name).take_row_ids(wanted).select(columns).to_arrow()
        for row in taken.sort_by("keyframe_id").to_pylist():
            pictures[row["segment_id"]].append((row["digest"], row["jpeg"]))
    return [_segment(segment_id, pictures[segment_id]) for segment_id in segment_ids]


def _segment(segment_id: str, pictures: list[tuple[str, bytes]]) -> SegmentPictures:
    jpegs = tuple(jpeg for _, jpeg in pictures)
    return SegmentPictures(segment_id, jpegs, keyframes_fingerprint([digest for digest, _ in pictures]))


def middle_pictures(lake: Lake, segment_ids: Sequence[str]) -> dict[str, bytes]:
    """The JPEG of the middle keyframe of some segments; one that has none is left out."""
    of_these = in_list("segment_id", segment_ids)
    rows = lake.read(KEYFRAMES.name, ["segment_id", "keyframe_id"], of_these)
    names: dict[str, list[str]] = defaultdict(list)
    for row in rows.sort_by("keyframe_id").to_pylist():
        names[row["segment_id"]].append(row["keyframe_id"])
    middle = in_list("keyframe_id", [several[len(several) // 2] for several in names.values()])
    pictures = lake.read(KEYFRAMES.name, ["segment_id", "jpeg"], f"{of_these} AND {middle}").to_pylist()
    return {row["segment_id"]: row["jpeg"] for row in pictures}


def keyframes_fingerprint(digests: Sequence[str]) -> str:
    """The fingerprint of a segment's keyframes, from their digests in the order of time."""
    return fingerprint(digests)
