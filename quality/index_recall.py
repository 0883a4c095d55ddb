"""How much of an exact search a vector index finds: measured, not believed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lake.schema import vectors_table_name
from lake.store import Lake
from retrieval.legs import depth_beside_others, search_vectors

NEIGHBOURS = 10


def has_index(lake: Lake, table: str) -> bool:
    """Whether the vectors of a table have an index; without one every search is exact."""
    return any(index.columns == ["vector"] for index in lake.table(table).list_indices())


def recall_of_index(lake: Lake, space: str, version: str, probes: Sequence[NDArray[np.float32]]) -> float:
    """The mean share of the ten nearest of an exact search that a search through the index finds.

    Args:
        lake: With the vectors.
        space: The space, which decides how deep a search goes.
        version: Its version, whose vectors have an index.
        probes: What is looked for, each float32 `(dim,)`; at least one.
    """
    table, depth = vectors_table_name(space, version), depth_beside_others(space)
    return float(np.mean([_share_found(lake, table, probe, depth) for probe in probes]))


def _share_found(lake: Lake, table: str, probe: NDArray[np.float32], depth: int) -> float:
    exact, indexed = (
        {one.segment_id for one in search_vectors(lake, table, probe, None, depth, exactly=exactly)[:NEIGHBOURS]}
        for exactly in (True, False)
    )
    return len(exact & indexed) / len(exact)
