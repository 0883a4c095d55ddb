"""Vectors as they are stored, by segment: a sample that is the same at every look."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lake.schema import Space, vectors_table_name
from lake.store import Lake, in_list

_READ_AT_ONCE = 2000

Vectors = NDArray[np.float32]


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
        vectors = rows["vector"].to_numpy(zero_copy_only=False)
        found |= dict(zip(rows["segment_id"].to_pylist(), vectors, strict=True))
    return unit(np.stack([found[segment_id] for segment_id in segment_ids]).astype(np.float32))


def unit(vectors: Vectors) -> Vectors:
    """Each row divided by its length; a row of zeros stays."""
    divided: Vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return divided
