"""Segments cover a video exactly."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.partition import full_slices, partition
from media.spec import SegmenterSpec

SPEC = SegmenterSpec()
LONGEST_MS = round(SPEC.max_segment_s * 1000)


@given(st.lists(st.integers(-1000, 200_000)), st.integers(1, 150_000))
def test_segments_cover_the_video_without_gap_or_overlap(cuts_ms: list[int], duration_ms: int) -> None:
    segments = partition(cuts_ms, duration_ms, SPEC)
    assert segments[0][0] == 0
    assert segments[-1][1] == duration_ms
    assert all(start < end for start, end in segments)
    assert all(before[1] == after[0] for before, after in pairwise(segments))


@given(st.lists(st.integers(1, 149_999)), st.integers(1, 150_000))
def test_every_cut_is_a_boundary_and_no_segment_is_too_long(cuts_ms: list[int], duration_ms: int) -> None:
    segments = partition(cuts_ms, duration_ms, SPEC)
    starts = {start for start, _ in segments}
    assert {cut for cut in cuts_ms if cut < duration_ms} <= starts
    assert max(end - start for start, end in segments) <= LONGEST_MS


@given(st.integers(1, 200_000))
def test_slices_of_a_long_shot_are_at_least_half_as_long_as_the_longest(duration_ms: int) -> None:
    segments = partition([], duration_ms, SPEC)
    if duration_ms > LONGEST_MS:
        assert min(end - start for start, end in segments) >= LONGEST_MS // 2


@given(st.integers(1, 200_000), st.integers(0, 200_000))
def test_a_slice_taken_while_the_shot_runs_is_a_slice_of_the_whole(end_ms: int, reached_ms: int) -> None:
    early = tuple(full_slices(0, min(reached_ms, end_ms), SPEC))
    assert partition([], end_ms, SPEC)[: len(early)] == early


@pytest.mark.parametrize("duration_ms", [0, -5])
def test_a_video_without_duration_is_refused(duration_ms: int) -> None:
    with pytest.raises(ValueError, match="lasts longer"):
        partition([], duration_ms, SPEC)
