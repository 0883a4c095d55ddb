from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lancedb.index import IvfPq, IvfSq

from encoders.family import ModelSpec
from kernel.errors import ReelindexError
from lake.planning import Plan
from lake.schema import DOCUMENTS, Space
from lake.store import Lake
from quality.candidate_gates import index_recall
from quality.gates import (
    CRASHED,
    FIRST_RELEASE_GATES,
    Case,
    GateResult,
    coverage,
    integrity,
    quarantine,
    run_gate,
)
from quality.policy import PromotionPolicy
from settings import Settings
from stages.backlog import lacks
from stages.models import Models
from stages.scope import Scope
from stages.vectors import stage_name
from tests.quality.spaces import VIDEO, add_segments, add_vectors, scope_of, spec, unit_vectors

DIM = 4
SEGMENTS = 30
MODEL = spec("model-1", DIM)


def _case(scope: Scope, space: Space, spec: ModelSpec) -> Case:
    models = Models(scope.lake, Settings().models.references())  # type: ignore[arg-type]
    return Case(scope, models, PromotionPolicy(), space, spec)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


@pytest.fixture
def scope(lake: Lake) -> Scope:
    """Segments that all have a good vector in the visual space; no words."""
    add_vectors(lake, "visual", MODEL, unit_vectors(SEGMENTS, DIM), add_segments(lake, SEGMENTS))
    add_vectors(lake, "text", MODEL, unit_vectors(0, DIM), [])
    return scope_of(lake)


def test_a_covered_space_passes_and_its_verdict_goes_through_json(scope: Scope) -> None:
    for gate in FIRST_RELEASE_GATES:
        verdict = run_gate(gate, _case(scope, "visual", MODEL))
        assert verdict.passed, verdict.message
        assert (verdict.gate, verdict.space, verdict.version) == (gate.__name__, "visual", "model-1")
        assert GateResult.from_dict(json.loads(json.dumps(verdict.to_dict()))) == verdict


def test_one_missing_vector_fails_the_coverage(scope: Scope) -> None:
    table = "vectors__visual__model_1"
    lost = scope.lake.read(table, ["segment_id"])["segment_id"][0].as_py()
    scope.lake.delete(table, "segment_id", [lost])
    verdict = coverage(_case(scope, "visual", MODEL))
    assert not verdict.passed
    assert verdict.measured == pytest.approx((SEGMENTS - 1) / SEGMENTS)
    assert verdict.evidence == {"missing": 1}
    assert "Missing: 1" in verdict.message


def test_a_vector_of_another_picture_fails_the_coverage(scope: Scope) -> None:
    scope.lake.table("segments").update(where="start_ms = 0", values={"keyframes_fp": "another"})
    assert coverage(_case(scope, "visual", MODEL)).evidence == {"missing": 1}


def test_what_is_in_quarantine_is_not_missing_but_too_much_of_it_fails(scope: Scope) -> None:
    table = "vectors__visual__model_1"
    ids = scope.lake.read(table, ["segment_id"])["segment_id"].to_pylist()
    for aside, passes in ((1, True), (2, False)):
        lost = ids[aside - 1]
        scope.lake.delete(table, "segment_id", [lost])
        scope.fail(stage_name("visual"), lost, VIDEO, "model-1", ReelindexError("not a picture"))
        assert coverage(_case(scope, "visual", MODEL)).passed
        verdict = quarantine(_case(scope, "visual", MODEL))
        assert verdict.passed is passes
        assert verdict.measured == pytest.approx(aside / SEGMENTS)
        assert verdict.evidence == {"subjects": aside}


def test_a_corpus_without_words_has_a_complete_text_space(scope: Scope) -> None:
    assert scope.lake.count(DOCUMENTS.name) == 0
    assert all(run_gate(gate, _case(scope, "text", MODEL)).passed for gate in FIRST_RELEASE_GATES)
    assert coverage(_case(scope, "text", MODEL)).measured == 1.0


@pytest.mark.parametrize("space", ["visual", "text"])
def test_an_empty_lake_is_not_covered(lake: Lake, space: Space) -> None:
    add_vectors(lake, space, MODEL, unit_vectors(0, DIM), [])
    verdict = coverage(_case(scope_of(lake), space, MODEL))
    assert not verdict.passed
    assert verdict.message == "there is nothing to embed yet."


def test_what_was_set_aside_and_is_gone_does_not_count(scope: Scope) -> None:
    scope.fail(stage_name("visual"), f"{VIDEO}-0-1", VIDEO, "model-1", ReelindexError("of a former cut"))
    verdict = quarantine(_case(scope, "visual", MODEL))
    assert (verdict.measured, verdict.evidence) == (0.0, {"subjects": 0})


@pytest.mark.parametrize(
    ("candidate", "live", "missing"),
    [
        (Plan(new=("v-1", "v-2")), Plan(new=("v-2",), current=1), {"v-1"}),
        (Plan(new=("v-1", "v-2")), Plan(stale=("v-1", "v-2")), {"v-1", "v-2"}),
        (Plan(stale=("v-1", "v-2")), Plan(stale=("v-1",), current=1), {"v-2"}),
        (Plan(new=("v-1", "w-1")), Plan(new=("v-1", "w-1"), orphaned=("v-0",)), {"v-1"}),
        (Plan(new=("v-1",), orphaned=("v-0",)), Plan(new=("v-1",), orphaned=("v-0",)), set()),
    ],
    ids=["just come", "a new caption in an empty candidate", "a new caption", "cut again in an empty candidate", "cut"],
)
def test_a_candidate_lacks_what_the_live_version_answers_from(candidate: Plan, live: Plan, missing: set[str]) -> None:
    assert lacks(candidate, live) == missing


SUBJECTS = [f"{video}-{number}" for video in "vw" for number in range(4)]
holdings = st.fixed_dictionaries({subject: st.sampled_from(["none", "old", "now"]) for subject in SUBJECTS})
wanted_now = st.sets(st.sampled_from(SUBJECTS))


def _plan(wanted: set[str], holding: dict[str, str]) -> Plan:
    by_state = {state: [one for one in sorted(wanted) if holding[one] == state] for state in ("none", "old", "now")}
    orphaned = tuple(one for one in SUBJECTS if one not in wanted and holding[one] != "none")
    return Plan(tuple(by_state["none"]), tuple(by_state["old"]), orphaned, len(by_state["now"]))


@given(wanted_now, holdings, holdings)
def test_a_candidate_that_lacks_nothing_holds_every_wanted_subject_that_the_live_version_holds(
    wanted: set[str], mine: dict[str, str], live: dict[str, str]
) -> None:
    order = ("none", "old", "now")
    missing = lacks(_plan(wanted, mine), _plan(wanted, live))
    assert missing <= set(_plan(wanted, mine).todo), "a backfill can make all of it"
    behind = {one for one in wanted if order.index(mine[one]) < order.index(live[one])}
    assert behind <= missing
    assert not lacks(_plan(wanted, live), _plan(wanted, live))


def _indexed(scope: Scope, config: IvfSq | IvfPq) -> Case:
    model = spec("indexed", 32)
    count = 3000
    ids = add_segments(scope.lake, count)
    name = add_vectors(scope.lake, "visual", model, unit_vectors(count, 32), ids)
    scope.lake.table(name).create_index("vector", config=config)
    return _case(scope, "visual", model)


def test_without_an_index_every_search_is_exact(scope: Scope) -> None:
    verdict = index_recall(_case(scope, "visual", MODEL))
    assert (verdict.passed, verdict.measured) == (True, 1.0)
    assert "no vector index" in verdict.message


def test_an_index_that_finds_what_an_exact_search_finds_passes(scope: Scope) -> None:
    case = _indexed(scope, IvfSq(distance_type="cosine", num_partitions=1))
    verdict = index_recall(case)
    assert verdict.passed, verdict.message
    assert verdict.evidence == {"probes": 100, "of": "stored vectors"}


def test_an_index_that_misses_neighbours_fails(scope: Scope) -> None:
    verdict = index_recall(_indexed(scope, IvfPq(distance_type="cosine", num_partitions=1, num_sub_vectors=1)))
    assert not verdict.passed
    assert 0 < (verdict.measured or 0) < 0.98


def test_a_bad_vector_fails_the_integrity_and_is_named(scope: Scope) -> None:
    lost = scope.lake.read("segments", ["segment_id"])["segment_id"][0].as_py()
    scope.lake.delete("vectors__visual__model_1", "segment_id", [lost])
    add_vectors(scope.lake, "visual", MODEL, 2 * unit_vectors(1, DIM), [lost])
    verdict = integrity(_case(scope, "visual", MODEL))
    assert not verdict.passed
    assert verdict.measured == 1
    assert "unit_length: 1 of " in verdict.message
    assert f"For instance {lost} norm 2" in verdict.message
    assert verdict.evidence["expectations"]["unit_length"] is False


def test_a_gate_that_cannot_be_computed_fails_and_says_why(scope: Scope) -> None:
    verdict = run_gate(quarantine, _case(scope, "visual", spec("never made", DIM)))
    assert not verdict.passed
    assert verdict.measured is None
    assert verdict.gate == "quarantine"
    assert "could not be computed: LakeError" in verdict.message
    assert "no such table" in verdict.message
    assert verdict.evidence == {CRASHED: "LakeError"}
