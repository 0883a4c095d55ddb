"""Timestamps become presentation times."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from media.timeline import Timeline

STEPS = st.lists(st.integers(0, 2_000_000), min_size=1, max_size=50)


@given(st.integers(-(10**13), 10**13), STEPS)
def test_a_steady_clock_is_only_moved_to_zero(origin_us: int, steps_us: list[int]) -> None:
    timeline = Timeline(origin_us, None)
    now_us = 0
    for step_us in steps_us:
        assert timeline.place(origin_us + now_us, step_us) == now_us
        now_us += step_us


@given(STEPS)
def test_frames_without_timestamps_follow_each_other(durations_us: list[int]) -> None:
    timeline = Timeline(0, None)
    starts = [timeline.place(None, each) for each in durations_us]
    assert starts == [sum(durations_us[:index]) for index in range(len(durations_us))]


def test_a_clock_that_starts_again_goes_on_where_it_was() -> None:
    timeline = Timeline(0, None)
    timeline.place(0, 3_000_000)
    assert timeline.place(0, 40_000) == 3_000_000
    assert timeline.place(40_000, 40_000) == 3_040_000


def test_a_small_step_back_is_left_to_the_caller() -> None:
    timeline = Timeline(0, None)
    timeline.place(0, 3_000_000)
    assert timeline.place(2_990_000, 40_000) == 2_990_000


def test_a_leap_far_beyond_the_promise_is_a_damaged_timestamp() -> None:
    timeline = Timeline(0, 10_000_000)
    timeline.place(0, 40_000)
    assert timeline.place(95_000_000_000, 40_000) == 40_000


def test_a_long_pause_within_the_promise_is_a_pause() -> None:
    timeline = Timeline(0, 60_000_000)
    timeline.place(0, 40_000)
    assert timeline.place(50_000_000, 40_000) == 50_000_000
