"""Vectors as they are stored, by segment: a sample that is the same at every look."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lake.schema import Space, vectors_table_name
from lake.store import Lake, in_list
from lake.vectors import Vectors, rows_of, unit

_READ_AT_ONCE = 2000


def sampled(names: Sequence[str], most: int) -> list[str]:
    """At most `most` of some names, in order, all alike; the same of the same names."""
    ordered = sorted(names)
    if len(ordered) <= most:
        return ordered
    chosen = np.random.default_rng(0).choice(len(ordered), most, replace=False)
    return [ordered[place] for place in sorted(chosen.tolist())]


def stored_vectors(lake: Lake, space: Space, version: str, segment_ids: Sequence[str]) -> Vectors:
    """Unit vectors, float32 `(n, dim)`, in the order of `segment_ids`, each of which must be there."""
    found: dict[str, Vectors] = {}
    for start in range(0, len(segment_ids), _READ_AT_ONCE):
        where = in_list("segment_id", segment_ids[start : start + _READ_AT_ONCE])
        rows = lake.read(vectors_table_name(space, version), ["segment_id", "vector"], where)
        found |= dict(zip(rows["segment_id"].to_pylist(), rows_of(rows["vector"]), strict=True))
    return unit(np.stack([found[segment_id] for segment_id in segment_ids]))
