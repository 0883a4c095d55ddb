"""A map from an old space to a new one, for the time in which only a part of the corpus has its new vectors.

What the new model has not seen yet can be looked for in the new space by its old vector, mapped: roughly, and how
roughly is measured on videos that the map was not fitted to. Spaces of the same dimension are turned into each other
(orthogonal Procrustes, Schönemann 1966); others by ridge regression.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from encoders.pictures import unit
from encoders.protocols import Vectors
from lake.schema import vectors_table_name
from lake.store import Lake
from training.errors import BadPairs
from training.pairs import split_by_group

MIN_COMMON = 200
NEIGHBOURS = 10
RIDGES = (1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)


@dataclass(frozen=True, slots=True)
class Crossing:
    """How well a bridge carries vectors of videos that it was not fitted to.

    Attributes:
        fitted: Segments that it was fitted to.
        held_out: Segments that it was measured on.
        cosine: Mean cosine of a mapped old vector with the new vector of the same segment.
        overlap: Share of a segment's ten nearest in the new space that are also the ten nearest to its new vector
            among mapped ones.
        by_chance: The overlap that a map which knows nothing would have.
    """

    fitted: int
    held_out: int
    cosine: float
    overlap: float
    by_chance: float

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Bridge:
    """A fitted map.

    Attributes:
        matrix: float32 `(d_old, d_new)`.
        kind: How it was fitted.
        crossing: What it was measured to be worth.
    """

    matrix: NDArray[np.float32]
    kind: Literal["rotation", "regression"]
    crossing: Crossing

    def apply(self, old: Vectors) -> Vectors:
        """Where old vectors, float32 `(n, d_old)`, lie in the new space, roughly: unit, float32 `(n, d_new)`."""
        return unit(old @ self.matrix)


def fit_bridge(old: Vectors, new: Vectors, groups: list[str]) -> Bridge:
    """Fit a map on segments that both spaces have.

    Args:
        old: Unit vectors, float32 `(n, d_old)`.
        new: Those of the same segments, float32 `(n, d_new)`.
        groups: Their videos: a video is fitted to or measured on, never both.

    Raises:
        BadPairs: Too few segments, or too few videos to hold any out.
    """
    split = split_by_group(groups, val_share=0.15, test_share=0.15)
    fit, tune, test = (np.flatnonzero(split == part) for part in range(3))
    if len(old) < MIN_COMMON or min(len(fit), len(tune), len(test)) <= NEIGHBOURS:
        raise BadPairs(
            f"{len(old)} segments have vectors of both versions, of which {len(test)} can be held out: too few to fit "
            "a map that can be trusted.",
            remedy="Let the backfill go on for a while.",
        )
    if old.shape[1] == new.shape[1]:
        left, _, right = np.linalg.svd(old[fit].T @ new[fit])
        matrix = (left @ right).astype(np.float32)
        return Bridge(matrix, "rotation", _measured(matrix, old, new, fit, test))
    candidates = [_ridge(old[fit], new[fit], strength) for strength in RIDGES]
    best = max(candidates, key=lambda one: float((unit(old[tune] @ one) * new[tune]).sum(1).mean()))
    return Bridge(best, "regression", _measured(best, old, new, fit, test))


def bridge_from_lake(lake: Lake, space: str, old_version: str, new_version: str) -> Bridge:
    """Fit a map on the segments that have vectors of both versions in a lake.

    Raises:
        BadPairs: A version has no vectors here, or too few segments have both.
    """
    found = []
    for version in (old_version, new_version):
        table = vectors_table_name(space, version)
        if table not in lake.vectors_tables():
            raise BadPairs("the version has no vectors in this lake.", where=version, remedy="Backfill it first.")
        found.append(lake.read(table, ["segment_id", "video_id", "vector"]).sort_by("segment_id"))
    old, new = found
    old = old.filter(pc.is_in(old["segment_id"], value_set=new["segment_id"].combine_chunks()))
    new = new.filter(pc.is_in(new["segment_id"], value_set=old["segment_id"].combine_chunks()))
    vectors = [pc.list_flatten(table["vector"]).to_numpy().reshape(len(table), -1) for table in (old, new)]
    return fit_bridge(vectors[0], vectors[1], old["video_id"].to_pylist())


def _ridge(old: Vectors, new: Vectors, strength: float) -> NDArray[np.float32]:
    gram = old.T @ old + strength * np.eye(old.shape[1], dtype=np.float32)
    return np.linalg.solve(gram, old.T @ new).astype(np.float32)


def _measured(
    matrix: NDArray[np.float32], old: Vectors, new: Vectors, fit: NDArray[np.int64], test: NDArray[np.int64]
) -> Crossing:
    mapped, true = unit(old[test] @ matrix), new[test]
    shared = []
    for row in range(len(test)):
        others = np.arange(len(test)) != row
        by_mapped, by_true = (others.nonzero()[0][np.argsort(-(rows[others] @ true[row]))] for rows in (mapped, true))
        shared.append(len(set(by_mapped[:NEIGHBOURS]) & set(by_true[:NEIGHBOURS])) / NEIGHBOURS)
    return Crossing(
        fitted=len(fit),
        held_out=len(test),
        cosine=float((mapped * true).sum(1).mean()),
        overlap=float(np.mean(shared)),
        by_chance=NEIGHBOURS / (len(test) - 1),
    )
