"""What is shown shortly before and after a segment is a part of its score: a shot is understood from its neighbours.

The mean cosine of what lies within half a minute is mixed with a segment's own, all of them exact.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kernel.identity import times_of_segment, video_id_of_segment
from lake.store import Lake, in_list
from lake.vectors import Vectors, lengths, rows_of

WITHIN_MS = 30_000
"""Between the middles of two segments."""
READ_AT_ONCE = 1000
"""Vectors of whole videos that are read in one go. Videos of more segments are asked first which of them are near."""


@dataclass(frozen=True, eq=False, slots=True)
class Neighbourhood:
    """Segments and those near them in time: their names, and their vectors, float32 `(n, dim)`, in the same order."""

    names: list[str]
    vectors: Vectors


def read_near(lake: Lake, table: str, segment_ids: Sequence[str]) -> Neighbourhood:
    """What a table has of some segments and of those near them in time; it may be more of their videos."""
    of_their_videos = in_list("video_id", sorted({video_id_of_segment(one) for one in segment_ids}))
    snapshot = lake.snapshot(table)
    columns = ["segment_id", "vector"]
    rows = snapshot.to_table(columns=columns, filter=of_their_videos, limit=READ_AT_ONCE)
    if rows.num_rows == READ_AT_ONCE:
        # An hour of video has thousands of segments, of which a few dozen are near: the names first.
        names = snapshot.to_table(columns=["segment_id"], filter=of_their_videos)["segment_id"].to_pylist()
        close = sorted({name for several in near(names, segment_ids).values() for name in several})
        rows = snapshot.to_table(columns=columns, filter=in_list("segment_id", close))
    return Neighbourhood(rows["segment_id"].to_pylist(), rows_of(rows["vector"]))


def near(names: Iterable[str], segment_ids: Sequence[str]) -> Mapping[str, list[str]]:
    """By segment, those of `names` that are near it in time, itself among them."""
    by_video: dict[str, list[str]] = defaultdict(list)
    for name in names:
        by_video[video_id_of_segment(name)].append(name)
    twice_middles = {video: np.array([sum(times_of_segment(one)) for one in ones]) for video, ones in by_video.items()}
    found = {}
    for segment_id in segment_ids:
        ones = by_video.get(video_id_of_segment(segment_id), [])
        if ones:
            apart = np.abs(twice_middles[video_id_of_segment(segment_id)] - sum(times_of_segment(segment_id)))
            ones = [ones[place] for place in np.flatnonzero(apart <= 2 * WITHIN_MS)]
        found[segment_id] = ones
    return found


def cosines_in_context(
    query: Vectors, segment_ids: Sequence[str], there: Neighbourhood, context: float
) -> dict[str, float]:
    """The cosine with a query of every segment that has a vector, mixed with the mean of those near it in time.

    Args:
        query: Of length 1, float32 `(dim,)`.
        segment_ids: The segments.
        there: Theirs and their neighbours' vectors.
        context: What the mean counts, from 0 to 1; the segment itself is in it.
    """
    cosines = dict(zip(there.names, (there.vectors @ query / lengths(there.vectors)).tolist(), strict=True))
    return {
        segment_id: (1 - context) * cosines[segment_id]
        + context * math.fsum(cosines[one] for one in neighbours) / len(neighbours)
        for segment_id, neighbours in near(there.names, segment_ids).items()
        if segment_id in cosines
    }
