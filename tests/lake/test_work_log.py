"""The log of work, and the rates that follow from it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.store import Lake
from lake.work_log import RECENT_ENTRIES, WorkLog, _rate


def _enter(lake: Lake, version: str, done: int, duration_s: float, *, stage: str = "captions") -> None:
    WorkLog(lake).enter(stage, version, done, 0, duration_s, {"segments_captioned": float(done)})


def test_a_rate_is_all_that_was_done_over_all_the_time_that_it_took(lake: Lake) -> None:
    log = WorkLog(lake)
    assert log.rate("captions", "c-1") is None
    _enter(lake, "c-1", 100, 10.0)
    _enter(lake, "c-1", 300, 10.0)
    _enter(lake, "c-2", 7, 1.0)
    _enter(lake, "c-1", 9, 1.0, stage="text_vectors")
    rate = log.rate("captions", "c-1")
    assert rate is not None
    assert (rate.per_second, rate.done, rate.duration_s, rate.entries) == (20.0, 400, 20.0, 2)


def test_small_runs_which_load_a_model_for_little_do_not_count_beside_a_large_one(lake: Lake) -> None:
    _enter(lake, "c-1", 1000, 10.0)
    for _ in range(3):
        _enter(lake, "c-1", 1, 10.0)
    rate = WorkLog(lake).rate("captions", "c-1")
    assert rate is not None
    assert rate.per_second == pytest.approx(100.0)
    assert rate.entries == 1


def test_runs_in_which_nothing_was_done_give_no_rate(lake: Lake) -> None:
    WorkLog(lake).enter("captions", "c-1", 0, 5, 3.0, {})
    assert WorkLog(lake).rate("captions", "c-1") is None


def test_the_rate_of_another_version_is_that_of_the_last_one_which_worked(lake: Lake) -> None:
    log = WorkLog(lake)
    assert log.rate_of_another("captions", "c-3") is None
    _enter(lake, "c-1", 10, 1.0)
    _enter(lake, "c-2", 50, 1.0)
    _enter(lake, "c-3", 99, 1.0)
    rate = log.rate_of_another("captions", "c-3")
    assert rate is not None
    assert (rate.version, rate.per_second) == ("c-2", 50.0)


@given(st.lists(st.tuples(st.integers(1, 10**6), st.floats(1e-3, 1e5)), min_size=1, max_size=40))
def test_a_rate_lies_between_those_of_the_slowest_and_the_fastest_recent_run(runs: list[tuple[int, float]]) -> None:
    rate = _rate("captions", "c-1", [{"done": done, "duration_s": duration_s} for done, duration_s in runs])
    assert rate is not None
    single = [done / duration_s for done, duration_s in runs[:RECENT_ENTRIES]]
    assert min(single) <= rate.per_second * (1 + 1e-9)
    assert rate.per_second <= max(single) * (1 + 1e-9)
