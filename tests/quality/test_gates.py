from __future__ import annotations

import json
from pathlib import Path

import pytest

from kernel.errors import ReelindexError
from lake.schema import DOCUMENTS, Space
from lake.store import Lake
from quality.gates import FIRST_RELEASE_GATES, GateResult, coverage, integrity, quarantine, run_gate
from stages.scope import Scope
from stages.vectors import stage_name
from tests.quality.spaces import VIDEO, add_segments, add_vectors, scope_of, spec, unit_vectors

DIM = 4
SEGMENTS = 30
MODEL = spec("model-1", DIM)


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
        verdict = run_gate(gate, scope, "visual", MODEL)
        assert verdict.passed, verdict.message
        assert (verdict.gate, verdict.space, verdict.version) == (gate.__name__, "visual", "model-1")
        assert GateResult.from_dict(json.loads(json.dumps(verdict.to_dict()))) == verdict


def test_one_missing_vector_fails_the_coverage(scope: Scope) -> None:
    table = "vectors__visual__model_1"
    lost = scope.lake.read(table, ["segment_id"])["segment_id"][0].as_py()
    scope.lake.delete(table, "segment_id", [lost])
    verdict = coverage(scope, "visual", MODEL)
    assert not verdict.passed
    assert verdict.measured == pytest.approx((SEGMENTS - 1) / SEGMENTS)
    assert verdict.evidence == {"missing": 1}
    assert "Missing: 1" in verdict.message


def test_a_vector_of_another_picture_fails_the_coverage(scope: Scope) -> None:
    scope.lake.table("segments").update(where="start_ms = 0", values={"keyframes_fp": "another"})
    assert coverage(scope, "visual", MODEL).evidence == {"missing": 1}


def test_what_is_in_quarantine_is_not_missing_but_too_much_of_it_fails(scope: Scope) -> None:
    table = "vectors__visual__model_1"
    ids = scope.lake.read(table, ["segment_id"])["segment_id"].to_pylist()
    for aside, passes in ((1, True), (2, False)):
        lost = ids[aside - 1]
        scope.lake.delete(table, "segment_id", [lost])
        scope.fail(stage_name("visual"), lost, VIDEO, "model-1", ReelindexError("not a picture"))
        assert coverage(scope, "visual", MODEL).passed
        verdict = quarantine(scope, "visual", MODEL)
        assert verdict.passed is passes
        assert verdict.measured == pytest.approx(aside / SEGMENTS)
        assert verdict.evidence == {"subjects": aside}


def test_a_corpus_without_words_has_a_complete_text_space(scope: Scope) -> None:
    assert scope.lake.count(DOCUMENTS.name) == 0
    assert all(run_gate(gate, scope, "text", MODEL).passed for gate in FIRST_RELEASE_GATES)
    assert coverage(scope, "text", MODEL).measured == 1.0


@pytest.mark.parametrize("space", ["visual", "text"])
def test_an_empty_lake_is_not_covered(lake: Lake, space: Space) -> None:
    add_vectors(lake, space, MODEL, unit_vectors(0, DIM), [])
    verdict = coverage(scope_of(lake), space, MODEL)
    assert not verdict.passed
    assert verdict.message == "there is nothing to embed yet."


def test_a_bad_vector_fails_the_integrity_and_is_named(scope: Scope) -> None:
    lost = scope.lake.read("segments", ["segment_id"])["segment_id"][0].as_py()
    scope.lake.delete("vectors__visual__model_1", "segment_id", [lost])
    add_vectors(scope.lake, "visual", MODEL, 2 * unit_vectors(1, DIM), [lost])
    verdict = integrity(scope, "visual", MODEL)
    assert not verdict.passed
    assert verdict.measured == 1
    assert f"1 unexpected, for instance {lost} norm 2" in verdict.message
    assert verdict.evidence["expectations"]["expect_column_values_to_be_between(norm)"] is False


def test_a_gate_that_cannot_be_computed_fails_and_says_why(scope: Scope) -> None:
    verdict = run_gate(quarantine, scope, "visual", spec("never made", DIM))
    assert not verdict.passed
    assert verdict.measured is None
    assert verdict.gate == "quarantine"
    assert "could not be computed: LakeError" in verdict.message
    assert "no such table" in verdict.message
