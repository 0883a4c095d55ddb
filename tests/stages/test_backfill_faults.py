"""Models that answer wrongly, or not at all, and settings that change again: search goes on as if nothing had been."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Any, cast

import numpy as np
import pytest

import stages.report
from encoders.family import ModelSpec
from encoders.protocols import Keyframes, Vectors, VisualEncoder
from encoders.registry import resolve
from lake.releases import Releases
from lake.store import Lake
from quality.policy import PromotionPolicy
from quality.promotion import ReleaseDecision, decide_release
from retrieval import open_index
from settings import Home
from stages.allowance import Allowance
from stages.report import NothingWorks, StageReport
from stages.vectors import embed_segments, plan_vectors, table_of
from tests.quality.candidates import BY_PICTURES, known_queries
from tests.stages.small_lake import MAX_ATTEMPTS, ChosenModels, ingested, scope_of

pytestmark = pytest.mark.xdist_group("ingested")

SHOTS = 6
LIVE = resolve("visual", "conse")
CANDIDATE = LIVE.model_copy(update={"top_k": 5})
QUERY = "a maze"

Fault = Callable[[Vectors], Vectors]


class Faulty:
    """The candidate's encoder, whose vectors are spoilt on the way out."""

    def __init__(self, encoder: VisualEncoder, fault: Fault) -> None:
        self._encoder = encoder
        self._fault = fault

    def embed_segments(self, keyframes: Keyframes) -> Vectors:
        return self._fault(self._encoder.embed_segments(keyframes))


class WithFault(ChosenModels):
    def __init__(self, home: Home, fault: Fault) -> None:
        super().__init__(Lake(home.lake, create=False), home, {"visual": CANDIDATE})
        self._fault = fault

    def visual(self, spec: ModelSpec) -> VisualEncoder:
        encoder = super().visual(spec)
        return cast(VisualEncoder, Faulty(encoder, self._fault)) if spec == CANDIDATE else encoder


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return ingested().copied_to(tmp_path / "home")


def _lake(home: Home) -> Lake:
    return Lake(home.lake, create=False)


def _embed(home: Home, fault: Fault) -> StageReport:
    return embed_segments(scope_of(home), WithFault(home, fault), "visual")[0]


def _decide(home: Home, spec: ModelSpec = CANDIDATE, policy: PromotionPolicy | None = None) -> ReleaseDecision:
    models = ChosenModels(_lake(home), home, {"visual": spec})
    return decide_release(scope_of(home), models, BY_PICTURES, policy or PromotionPolicy(), cache_dir=home.caches)


@contextmanager
def _search_unmoved(home: Home) -> Iterator[None]:
    """Searches all the time, and demands the answers that there were before, from the same release."""
    with open_index(home.lake, cache_dir=home.caches) as index:

        def answers() -> Any:
            found = index.search(QUERY)
            return found.release_id, [(result.segment_id, result.score) for result in found.results]

        expected = answers()
        assert expected[1]
        over, seen = Event(), []

        def search_on() -> None:
            while not over.is_set():
                try:
                    seen.append(answers())
                except Exception as error:
                    seen.append(error)

        searcher = Thread(target=search_on)
        searcher.start()
        try:
            yield
        finally:
            over.set()
            searcher.join()
        assert seen
        assert [one for one in seen if one != expected] == []
        assert answers() == expected


def _raise(vectors: Vectors) -> Vectors:
    raise RuntimeError("the weights are on another device")


def test_a_model_that_never_works_is_stopped_and_works_on_when_it_is_mended(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages.report, "HOPELESS", SHOTS)
    with _search_unmoved(home):
        with pytest.raises(NothingWorks, match="the weights are on another device") as stopped:
            _embed(home, _raise)
        assert CANDIDATE.version in str(stopped.value)
        assert "quarantine --retry" in stopped.value.remedy
        assert not _decide(home).made
    assert _lake(home).count(table_of(CANDIDATE, "visual").name) == 0
    assert [failure.quarantined for failure in scope_of(home).failures.all()] == [False] * SHOTS
    assert _embed(home, lambda vectors: vectors).done == SHOTS
    assert scope_of(home).failures.all() == []


def test_a_model_that_fails_at_all_of_a_small_corpus_is_covered_by_quarantine_and_never_live(home: Home) -> None:
    with _search_unmoved(home):
        reports = [_embed(home, _raise) for _ in range(MAX_ATTEMPTS)]
        assert [(report.done, len(report.failures)) for report in reports] == [(0, SHOTS)] * MAX_ATTEMPTS
        assert plan_vectors(scope_of(home), "visual", CANDIDATE).is_empty
        decision = _decide(home)
    assert not decision.made
    assert _failed_gates(decision) >= {"quarantine"}


def _failed_gates(decision: ReleaseDecision) -> set[str]:
    (judgement,) = decision.judgements
    return {gate.gate for gate in judgement.failed}


def _one_is_nan(vectors: Vectors) -> Vectors:
    vectors[-1] = np.nan
    return vectors


@pytest.mark.parametrize(
    ("fault", "gate", "written"),
    [
        (lambda vectors: 3 * vectors, "integrity", SHOTS),
        (lambda vectors: 0 * vectors, "integrity", SHOTS),
        (_one_is_nan, "quarantine", SHOTS - 1),
    ],
    ids=["not normalised", "zero", "not a number"],
)
def test_vectors_that_are_none_fail_a_gate(home: Home, fault: Fault, gate: str, written: int, tmp_path: Path) -> None:
    with _search_unmoved(home):
        report = _embed(home, fault)
        decision = _decide(home, policy=PromotionPolicy(evaluation=known_queries(tmp_path)))
    assert (report.done, len(report.failures)) == (written, SHOTS - written)
    assert not decision.made
    assert gate in _failed_gates(decision)
    assert gate in decision.reason
    assert Releases(_lake(home)).live().spaces["visual"] == LIVE.version


@pytest.mark.parametrize("fault", [lambda v: v[:, :-1], lambda v: np.hstack([v, v])], ids=["too short", "too long"])
def test_vectors_of_another_dimension_are_never_written(home: Home, fault: Fault) -> None:
    with _search_unmoved(home):
        report = _embed(home, fault)
        assert not _decide(home).made
    assert report.done == 0
    assert {failure.error for failure in report.failures} == {"WrongDimension"}
    assert str(CANDIDATE.dim) in report.failures[0].message  # type: ignore[attr-defined]
    assert _lake(home).count(table_of(CANDIDATE, "visual").name) == 0


def test_settings_that_change_again_leave_a_half_and_fill_the_other(home: Home, tmp_path: Path) -> None:
    abandoned, second = LIVE.model_copy(update={"top_k": 3}), CANDIDATE

    def fill(spec: ModelSpec, most: int | None = None) -> int:
        scope = replace(scope_of(home), allowance=Allowance(most))
        return embed_segments(scope, ChosenModels(_lake(home), home, {"visual": spec}), "visual")[0].done

    with _search_unmoved(home):
        assert fill(abandoned, SHOTS // 2) == SHOTS // 2
        assert not _decide(home, abandoned).made
        assert fill(second, 1) == 1
        assert fill(second) == SHOTS - 1
        assert _lake(home).count(table_of(abandoned, "visual").name) == SHOTS // 2
    policy = PromotionPolicy(evaluation=known_queries(tmp_path))
    decision = _decide(home, second, policy)
    assert decision.made, decision.reason
    assert Releases(_lake(home)).live().spaces["visual"] == second.version
    with _search_unmoved(home):
        assert fill(abandoned) == SHOTS - SHOTS // 2, "what was done is not done again"
