"""A version beside what it should be: complete, and made by the model that its name says."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from encoders.family import ModelSpec
from lake.model_versions import ModelVersions
from lake.schema import SEGMENTS, Space
from lake.store import in_list
from quality.expectations.facts import ID, Facts
from quality.expectations.requirement import Requirement
from quality.expectations.suites.vectors import NORM_TOLERANCE
from stages.models import Models
from stages.scope import Scope
from stages.vectors import embed_again, plan_vectors, table_of

MIN_COSINE = 0.99
"""Of a vector with the one that the model makes now; batches and threads change a vector by less than 1e-5."""
MADE_AGAIN = 8

REQUIREMENTS = (
    Requirement(
        "coverage",
        "Every subject outside quarantine has the vector that it should have now.",
        "covered_share",
        1,
        1,
        "`reelindex plan` says what is missing; `reelindex backfill` makes it.",
        severity="warn",
        of="table",
    ),
    Requirement(
        "made_by_the_version",
        f"The model of the version makes the same vectors again, for {MADE_AGAIN} segments: the lowest cosine.",
        "lowest_cosine_again",
        MIN_COSINE,
        None,
        "Vectors of another model, or of other preprocessing, are in this table. Drop the version (`reelindex drop`) "
        "and fill it again (`reelindex backfill`).",
        of="table",
    ),
)


def facts(scope: Scope, models: Models, space: Space, spec: ModelSpec) -> Facts:
    """What share of the subjects is covered, and how near stored vectors are to those that the model makes now.

    Raises:
        EncoderError: The model cannot be loaded, or is not what it was when the version was registered.
    """
    plan = plan_vectors(scope, space, spec)
    wanted = plan.current + len(plan.todo)
    cosines = _cosines_again(scope, models, space, spec)
    worst = sorted(cosines, key=lambda one: cosines[one])
    return Facts.of(
        f"{table_of(spec, space).name}-version",
        pa.table({ID: pa.array([], pa.string())}),
        {
            "covered_share": plan.current / wanted if wanted else None,
            "lowest_cosine_again": min(cosines.values()) if cosines else None,
        },
        {
            "covered_share": plan.todo[:MADE_AGAIN],
            "lowest_cosine_again": tuple(f"{one} {cosines[one]:.3f}" for one in worst if cosines[one] < MIN_COSINE),
        },
    )


def _cosines_again(scope: Scope, models: Models, space: Space, spec: ModelSpec) -> dict[str, float]:
    """By segment, of a few that are there as the version's table says.

    Left out is what other requirements name: a version that is not registered (to load its model would register it), a
    vector that is none, one without a segment. One whose input has changed since is not wrong, but stale.
    """
    if ModelVersions(scope.lake).find(spec.version) is None:
        return {}
    dataset = scope.lake.snapshot(table_of(spec, space).name)
    rows = dataset.count_rows()
    chosen = np.sort(np.random.default_rng().choice(rows, min(MADE_AGAIN, rows), replace=False))
    taken = dataset.take(chosen.tolist(), columns=["segment_id", "input_fp", "vector"])
    ids, inputs = taken["segment_id"].to_pylist(), taken["input_fp"].to_pylist()
    stored = {one: np.asarray(vector.as_py(), np.float32) for one, vector in zip(ids, taken["vector"], strict=True)}
    there = set(scope.lake.read(SEGMENTS.name, ["segment_id"], in_list("segment_id", ids))["segment_id"].to_pylist())
    sound = {one: fp for one, fp in zip(ids, inputs, strict=True) if one in there and _is_sound(stored[one])}
    again = embed_again(scope, models, space, spec, sound)
    return {one: float(stored[one] @ vector) for one, vector in again if len(vector) == len(stored[one])}


def _is_sound(vector: NDArray[np.float32]) -> bool:
    length = float(np.linalg.norm(vector))
    return abs(length - 1) <= NORM_TOLERANCE and float(np.ptp(vector)) > 0
