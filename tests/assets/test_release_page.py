from __future__ import annotations

from pathlib import Path

import pytest

from assets.release_page import check_results, decision_page
from assets.serve import GATE_CHECKS
from lake.retention import Dropped
from quality.policy import PromotionPolicy
from tests.quality.candidates import Candidacy, candidacy, candidate_spec

pytestmark = pytest.mark.xdist_group("ingested")


@pytest.fixture
def case(tmp_path: Path) -> Candidacy:
    return candidacy(tmp_path)


def test_every_check_of_the_asset_has_one_result_whatever_was_decided(case: Candidacy) -> None:
    specs = sorted(spec.name for spec in GATE_CHECKS)
    without_answers = case.decide(PromotionPolicy())
    for gates in ((), without_answers.gates, case.decide().gates):
        assert sorted(result.check_name or "" for result in check_results(gates)) == specs
    failed = [result.check_name for result in check_results(without_answers.gates) if not result.passed]
    assert failed == ["visual_retrieval"]


def test_a_promotion_shows_the_decision_the_report_and_what_was_freed(case: Candidacy) -> None:
    page = decision_page(case.decide(), [Dropped("old-1", 6, 100), Dropped("old-2", 6, 50)])
    assert page["release"] == 2
    assert page["made_now"]
    assert "data:image/png" in page["migration_visual"].value
    assert page["freed_bytes"] == 150
    (candidate,) = page["candidates"].records
    assert candidate.data["version"] == candidate_spec().version
    assert (candidate.data["coverage"], candidate.data["failed_gates"]) == (1.0, "none")


def test_a_candidate_that_fills_is_shown_with_its_coverage(case: Candidacy) -> None:
    lost = case.lake.read(case.table, ["segment_id"])["segment_id"].to_pylist()[:3]
    case.lake.delete(case.table, "segment_id", lost)
    page = decision_page(case.decide(), [])
    assert not page["made_now"]
    (candidate,) = page["candidates"].records
    assert (candidate.data["coverage"], candidate.data["failed_gates"]) == (0.5, "filling")
    assert "migration_visual" not in page
