"""How much of an exact search a vector index finds: measured, not believed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lake.store import Lake
from retrieval.legs import REFINE_FACTOR

if TYPE_CHECKING:
    import lance

NEIGHBOURS = 10


def has_index(lake: Lake, table: str) -> bool:
    """Whether the vectors of a table have an index; without one every search is exact."""
    return any(index.columns == ["vector"] for index in lake.table(table).list_indices())


def recall_of_index(table: lance.LanceDataset, probes: Sequence[NDArray[np.float32]]) -> float:
    """The mean share of the ten nearest of an exact search that the index finds.

    Args:
        table: Vectors with an index.
        probes: What is looked for, each float32 `(dim,)`; at least one.
    """
    return float(np.mean([_share_found(table, probe) for probe in probes]))


def _share_found(table: lance.LanceDataset, probe: NDArray[np.float32]) -> float:
    nearest = {"column": "vector", "q": probe, "k": NEIGHBOURS, "metric": "cosine", "refine_factor": REFINE_FACTOR}
    exact, indexed = (
        set(
            table.to_table(
                columns=["segment_id"],
                nearest={**nearest, "use_index": use_index},
                disable_scoring_autoprojection=True,
            )["segment_id"].to_pylist()
        )
        for use_index in (False, True)
    )
    return len(exact & indexed) / len(exact)
