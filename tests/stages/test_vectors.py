"""Models that fail on some segments: what it costs, and what is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from encoders.errors import EncodeFailed
from encoders.family import ModelSpec
from encoders.protocols import Keyframes, Vectors, VisualEncoder
from encoders.registry import resolve
from lake.store import Lake
from settings import Home
from stages.report import StageReport
from stages.vectors import embed_segments, plan_vectors, table_of
from tests.stages.small_lake import MAX_ATTEMPTS, ChosenModels, ingested, scope_of

pytestmark = pytest.mark.xdist_group("ingested")

CANDIDATE = cast(Any, resolve("visual", "conse")).model_copy(update={"top_k": 7})


class Unsteady:
    """An encoder of random directions that raises on some pictures and loses itself in NaN on others."""

    def __init__(self, raises_on: dict[bytes, Exception], nan_on: set[bytes]) -> None:
        self.raises_on = raises_on
        self.nan_on = nan_on
        self.embedded: list[bytes] = []

    def embed_segments(self, keyframes: Keyframes) -> Vectors:
        for (picture,) in keyframes:
            if picture in self.raises_on:
                raise self.raises_on[picture]
        self.embedded += [picture for (picture,) in keyframes]
        vectors = np.random.default_rng(len(self.embedded)).normal(size=(len(keyframes), CANDIDATE.dim))
        vectors[[picture in self.nan_on for (picture,) in keyframes]] = np.nan
        unit: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        return unit


class WithUnsteady(ChosenModels):
    def __init__(self, home: Home, encoder: Unsteady) -> None:
        super().__init__(Lake(home.lake, create=False), home, {"visual": CANDIDATE})
        self.encoder = encoder

    def visual(self, spec: ModelSpec) -> VisualEncoder:
        return cast(VisualEncoder, self.encoder)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return ingested().copied_to(tmp_path / "home")


@pytest.fixture
def pictures(home: Home) -> list[bytes]:
    return [row["jpeg"] for row in Lake(home.lake, create=False).read("keyframes", ["jpeg"]).to_pylist()]


def _embed(home: Home, encoder: Unsteady) -> StageReport:
    return embed_segments(scope_of(home), WithUnsteady(home, encoder), "visual")[0]


def test_segments_that_a_model_cannot_do_cost_only_themselves(home: Home, pictures: list[bytes]) -> None:
    encoder = Unsteady({pictures[0]: EncodeFailed("not a picture"), pictures[1]: RuntimeError("surprise")}, set())
    report = _embed(home, encoder)
    assert (report.planned, report.done) == (6, 4)
    assert {failure.message: failure.quarantined for failure in report.failures} == {
        "not a picture": True,
        "surprise": False,
    }
    assert sorted(encoder.embedded) == sorted(pictures[2:]), "the others once each"
    assert len(plan_vectors(scope_of(home), "visual", CANDIDATE).new) == 1, "the surprise is tried again"

    encoder.raises_on.pop(pictures[1])
    assert _embed(home, encoder).done == 1
    assert plan_vectors(scope_of(home), "visual", CANDIDATE).is_empty
    assert [failure.message for failure in scope_of(home).failures.all()] == ["not a picture"]


def test_a_surprise_that_stays_is_set_aside_after_its_attempts(home: Home, pictures: list[bytes]) -> None:
    encoder = Unsteady({pictures[0]: RuntimeError("surprise")}, set())
    reports = [_embed(home, encoder) for _ in range(MAX_ATTEMPTS + 1)]
    assert [report.planned for report in reports] == [6, 1, 1, 0]
    assert [failure.quarantined for report in reports for failure in report.failures] == [False, False, True]


def test_a_vector_that_is_not_finite_is_set_aside_and_the_batch_is_written(home: Home, pictures: list[bytes]) -> None:
    report = _embed(home, Unsteady({}, {pictures[2]}))
    assert report.done == 5
    (failure,) = report.failures
    assert (failure.error, failure.quarantined) == ("VectorNotFinite", True)
    table = table_of(CANDIDATE, "visual").name
    written = np.stack(Lake(home.lake, create=False).read(table, ["vector"])["vector"].to_numpy())
    assert written.shape == (5, CANDIDATE.dim)
    assert np.isfinite(written).all()
