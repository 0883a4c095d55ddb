"""Exact cosines of segments that any leg found, with what is shown shortly before and after each.

A shot is often understood from its neighbours: the mean cosine of what lies within half a minute is part of a segment's
own.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lake.store import Lake, in_list
from retrieval.legs import Candidate

if TYPE_CHECKING:
    import lance

WITHIN_MS = 30_000
"""Between the middles of two segments."""


def cosines_in_context(
    lake: Lake, table: str, vector: NDArray[np.float32], candidates: Collection[Candidate], context: float
) -> dict[str, float]:
    """The cosine of every candidate that has a vector, mixed with the mean of those near it in time.

    Args:
        lake: With the table.
        table: The vectors of a version.
        vector: The query, of length 1, float32 `(dim,)`.
        candidates: Segments that any leg found.
        context: What the mean counts, from 0 to 1; the segment itself is in it.
    """
    if not candidates:
        return {}
    keys = _keys(lake.snapshot(table), candidates)
    near = _near(keys, candidates)
    rows = sorted({int(row) for several in near.values() for row in several})
    if not rows:
        return {}
    # The keys first: an hour of video has thousands of segments, of which a few dozen are near.
    row_ids = keys["_rowid"].to_numpy()[rows].tolist()
    taken = lake.table(table).take_row_ids(row_ids).select(["segment_id", "vector"]).to_arrow()
    stored = taken["vector"].combine_chunks().flatten().to_numpy().reshape(taken.num_rows, -1)
    cosines = unit(stored) @ vector
    by_name = dict(zip(taken["segment_id"].to_pylist(), cosines.tolist(), strict=True))
    names = keys["segment_id"].to_pylist()
    mixed = {}
    for candidate in candidates:
        own = by_name.get(candidate.segment_id)
        if own is not None:
            around = [by_name[names[row]] for row in near[candidate.segment_id] if names[row] in by_name]
            mixed[candidate.segment_id] = (1 - context) * own + context * math.fsum(around) / len(around)
    return mixed


def _keys(snapshot: lance.LanceDataset, candidates: Collection[Candidate]) -> pa.Table:
    videos = sorted({candidate.video_id for candidate in candidates})
    columns = ["segment_id", "video_id", "start_ms", "end_ms"]
    return snapshot.to_table(columns=columns, filter=in_list("video_id", videos), with_row_id=True)


def _near(keys: pa.Table, candidates: Collection[Candidate]) -> Mapping[str, NDArray[np.int64]]:
    """By candidate, the rows of its video that lie near it."""
    middles = (keys["start_ms"].to_numpy() + keys["end_ms"].to_numpy()) / 2
    names, owner = np.unique(keys["video_id"].to_numpy(zero_copy_only=False), return_inverse=True)
    by_video = {name: np.flatnonzero(owner == number) for number, name in enumerate(names)}
    nothing = np.array([], dtype=np.int64)
    found = {}
    for candidate in candidates:
        rows = by_video.get(candidate.video_id, nothing)
        middle = (candidate.start_ms + candidate.end_ms) / 2
        found[candidate.segment_id] = rows[np.abs(middles[rows] - middle) <= WITHIN_MS]
    return found


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each row divided by its length; a row of zeros stays."""
    divided: NDArray[np.float32] = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return divided
