from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from stages.word_times import words_by_segment

cuts = st.lists(st.integers(0, 10_000), min_size=2, max_size=8, unique=True).map(sorted)
times = st.tuples(st.integers(-2000, 13_000), st.integers(0, 3000))


def _words(spans: list[tuple[int, int]]) -> list[dict[str, object]]:
    return [{"start_ms": start, "end_ms": start + long, "text": f" w{n}"} for n, (start, long) in enumerate(spans)]


@given(cuts, st.lists(times, max_size=30))
def test_every_word_is_in_exactly_one_segment_the_nearest_to_its_middle(
    bounds: list[int], spans: list[tuple[int, int]]
) -> None:
    segments = list(pairwise(bounds))
    said = words_by_segment(segments, _words(spans))
    assert len(said) == len(segments)
    found = [text for segment in said for text in segment.split()]
    assert sorted(found) == sorted(f"w{n}" for n in range(len(spans)))
    for (start_ms, end_ms), texts in zip(segments, said, strict=True):
        for text in texts.split():
            word_start, long = spans[int(text[1:])]
            middle = (2 * word_start + long) // 2
            nearest = min(max(middle, bounds[0]), bounds[-1] - 1)
            assert start_ms <= nearest < end_ms


@given(cuts, st.lists(times, max_size=30))
def test_the_words_of_a_segment_are_in_the_order_of_time(bounds: list[int], spans: list[tuple[int, int]]) -> None:
    for texts in words_by_segment(list(pairwise(bounds)), _words(spans)):
        numbers = [int(text[1:]) for text in texts.split()]
        ordered = [(spans[n][0], spans[n][0] + spans[n][1]) for n in numbers]
        assert ordered == sorted(ordered)


@given(st.lists(times, max_size=30))
def test_nothing_changes_when_words_come_in_another_order_and_their_times_differ(spans: list[tuple[int, int]]) -> None:
    spans = list(dict.fromkeys(spans))
    words = _words(spans)
    segments = [(0, 4000), (4000, 10_000)]
    assert words_by_segment(segments, words) == words_by_segment(segments, words[::-1])


def test_a_word_across_a_cut_is_where_its_middle_is() -> None:
    segments = [(0, 1000), (1000, 2000)]
    assert words_by_segment(segments, [{"start_ms": 800, "end_ms": 1199, "text": "before"}]) == ["before", ""]
    assert words_by_segment(segments, [{"start_ms": 800, "end_ms": 1200, "text": "after"}]) == ["", "after"]


def test_without_segments_or_words_there_is_nothing_to_say() -> None:
    assert words_by_segment([], [{"start_ms": 0, "end_ms": 10, "text": "lost"}]) == []
    assert words_by_segment([(0, 10)], [{"start_ms": 0, "end_ms": 10, "text": "  "}]) == [""]
