from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from statistics import mean

import pytest
from PIL import Image

from kernel.progress import Silent
from lake.query_log import QueryLog
from lake.releases import Releases
from quality.comparison import Comparison, QueryChange, compare
from quality.evaluation_set import EvaluationSet, read_evaluation_set
from quality.report import migration_report
from tests.quality.candidates import BY_PICTURES, KNOWN, Candidacy, candidacy, candidate_spec, live_spec

pytestmark = pytest.mark.xdist_group("ingested")


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Candidacy:
    case = candidacy(tmp_path_factory.mktemp("compared"))
    for query in ("a spiral", "a | b\n# <b>no heading</b>", "a spiral", "something else"):
        QueryLog(case.lake).enter(query, 1, [])
    return case


def _compared(case: Candidacy, known: EvaluationSet, version: str) -> Comparison | None:
    live = replace(Releases(case.lake).live(), fusion=BY_PICTURES)
    proposed = replace(live, spaces={**live.spaces, "visual": version})
    return compare(case.lake, live, proposed, "visual", known, case.home.caches, Silent())


@pytest.fixture(scope="module")
def compared(case: Candidacy) -> Comparison:
    assert case.policy.evaluation
    found = _compared(case, read_evaluation_set(case.policy.evaluation, case.lake), candidate_spec().version)
    assert found
    return found


def test_known_and_logged_queries_are_each_asked_once(compared: Comparison) -> None:
    known = sum(map(len, KNOWN.values()))
    assert (compared.known_queries, compared.queries) == (known, known + 2)
    assert sum(compared.overlap_counts) == compared.queries
    assert compared.overlap_at_10 == 1.0, "three films are always found, only in another order"
    assert compared.overlap_counts[-1] == compared.queries
    assert compared.rank_correlation is not None
    assert compared.rank_correlation < 1


def test_the_difference_is_that_of_the_two_qualities(compared: Comparison) -> None:
    assert compared.quality_live
    assert compared.quality_candidate
    assert compared.difference
    assert compared.difference.mean == pytest.approx(
        compared.quality_candidate.mean_reciprocal_rank - compared.quality_live.mean_reciprocal_rank
    )
    assert compared.difference.low <= compared.difference.mean <= compared.difference.high
    assert list(compared.quality_live.recall.values()) == sorted(compared.quality_live.recall.values())


def test_the_queries_that_change_most_come_first_and_there_are_ten(compared: Comparison) -> None:
    assert len(compared.changes) == 10
    assert all(change.live != change.candidate for change in compared.changes[:3])


def test_it_comes_back_from_json_as_it_was(compared: Comparison) -> None:
    kept = json.dumps(compared.to_dict())
    assert Comparison.from_dict(json.loads(kept)) == compared
    without = replace(compared, quality_live=None, quality_candidate=None, difference=None, rank_correlation=None)
    assert Comparison.from_dict(without.to_dict()) == without


def test_a_version_beside_itself_changes_nothing(case: Candidacy) -> None:
    same = _compared(case, EvaluationSet((), ()), live_spec().version)
    assert same
    assert (same.overlap_at_10, same.first_changed, same.rank_correlation) == (1.0, 0.0, 1.0)
    assert (same.known_queries, same.difference) == (0, None)
    page = migration_report(same)
    assert "No query has a known answer" in page
    assert "queries that change most" not in page


def test_without_queries_there_is_nothing_to_compare(tmp_path: Path) -> None:
    assert _compared(candidacy(tmp_path), EvaluationSet((), ()), candidate_spec().version) is None


def test_the_report_shows_quality_both_lists_and_a_plot(compared: Comparison) -> None:
    page = migration_report(compared)
    live, candidate, difference = compared.quality_live, compared.quality_candidate, compared.difference
    assert live
    assert candidate
    assert difference
    assert f"| mean reciprocal rank | {live.mean_reciprocal_rank:.3f} | {candidate.mean_reciprocal_rank:.3f} |" in page
    assert f"{difference.mean:+.3f}, between {difference.low:+.3f} and {difference.high:+.3f}" in page
    assert f"### {candidate_spec().version} beside release 1" in page
    first = compared.changes[0]
    assert f"**{first.query}**" in page
    assert f"| 1 | {first.live[0][:8]}" in page or f"| 1 | **{first.live[0][:8]}**" in page
    (uri,) = re.findall(r"\(data:image/png;base64,([^)]+)\)", page)
    plot = Image.open(io.BytesIO(base64.b64decode(uri)))
    assert plot.format == "PNG"
    assert plot.width > plot.height > 100


def test_paths_that_name_nothing_are_counted_and_one_is_named(compared: Comparison) -> None:
    assert "name no video" not in migration_report(compared)
    page = migration_report(replace(compared, unknown_paths=3, unknown_example="lost.mp4"))
    assert "3 paths of the evaluation file name no video of the lake, for instance `lost.mp4`" in page


def test_a_query_is_shown_as_words_whatever_it_holds(compared: Comparison) -> None:
    hostile = QueryChange("a | b\n# <script>x</script> **", None, ("f" * 32,), ("e" * 32,))
    page = migration_report(replace(compared, changes=(hostile,)))
    assert "<script>" not in page
    (line,) = [line for line in page.splitlines() if "script" in line]
    assert line.count("|") == 0
    assert line.endswith("0 % stay")
    assert mean([hostile.overlap]) == 0
