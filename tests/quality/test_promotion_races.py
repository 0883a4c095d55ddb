"""Promotion beside other processes, and after one that died."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest

from lake.evaluations import Evaluations
from lake.releases import Releases
from tests.lake.processes import PATIENCE_S, TwoProcesses
from tests.quality.candidates import Candidacy, candidacy, candidate_spec, live_spec
from tests.quality.jobs import DIED, decide_at_once, die_before_the_switch

pytestmark = pytest.mark.xdist_group("ingested")


@pytest.fixture(scope="module")
def two_processes() -> Iterator[TwoProcesses]:
    processes = TwoProcesses()
    yield processes
    processes.close()


@pytest.fixture
def case(tmp_path: Path) -> Candidacy:
    return candidacy(tmp_path)


def test_two_processes_that_promote_at_once_make_one_release(case: Candidacy, two_processes: TwoProcesses) -> None:
    mine = (case.home.folder, case.policy)
    outcomes = two_processes.together(decide_at_once, mine, mine)
    assert sorted(outcomes) == [(False, 2), (True, 2)]
    releases = Releases(case.lake).all()
    assert [release.spaces["visual"] for release in releases] == [live_spec().version, candidate_spec().version]


def test_a_promotion_that_died_before_the_switch_is_taken_up_where_it_was(
    case: Candidacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = multiprocessing.get_context("spawn").Process(
        target=die_before_the_switch, args=(case.home.folder, case.policy)
    )
    process.start()
    process.join(PATIENCE_S)
    assert process.exitcode == DIED
    assert Releases(case.lake).live().release_id == 1, "search is untouched"
    assert Evaluations(case.lake).newest(candidate_spec().version)

    monkeypatch.setattr("encoders.canary.compute", _not_again)
    assert case.decide().made
    assert Releases(case.lake).live().spaces["visual"] == candidate_spec().version


def _not_again(*arguments: object) -> None:
    raise AssertionError("the gates were asked before the process died")
