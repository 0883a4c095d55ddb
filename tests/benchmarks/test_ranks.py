"""Recall and reciprocal rank."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.ranks import RECALL_AT, rank_of, relevance

ids = st.text("abcdef", min_size=1, max_size=2)
ranks = st.one_of(st.none(), st.integers(1, 100))


def test_rank_counts_distinct_videos() -> None:
    assert rank_of("b", ["a", "a", "c", "b", "b"]) == 3


def test_video_that_was_not_found_has_no_rank() -> None:
    assert rank_of("z", ["a", "b"]) is None


@given(ids, st.lists(ids))
def test_repeating_what_is_above_changes_no_rank(wanted: str, found: list[str]) -> None:
    assert rank_of(wanted, [each for each in found for _ in range(2)]) == rank_of(wanted, found)


def test_metrics_of_known_ranks() -> None:
    measured = relevance([1, 2, 10, 11, None])
    assert measured.recall == {1: 0.2, 5: 0.4, 10: 0.6}
    assert measured.mean_reciprocal_rank == pytest.approx((1 + 1 / 2 + 1 / 10 + 1 / 11) / 5)
    assert measured.queries == 5


@given(st.lists(ranks, min_size=1))
def test_recall_grows_with_k_and_bounds_the_reciprocal_rank(of_queries: list[int | None]) -> None:
    measured = relevance(of_queries)
    recalls = [measured.recall[k] for k in RECALL_AT]
    assert recalls == sorted(recalls)
    assert recalls[0] <= measured.mean_reciprocal_rank + 1e-9
    assert measured.mean_reciprocal_rank <= 1


@given(st.lists(ranks, min_size=1), st.data())
def test_a_better_rank_never_hurts(of_queries: list[int | None], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(of_queries) - 1))
    better = [*of_queries[:place], 1, *of_queries[place + 1 :]]
    assert relevance(better).mean_reciprocal_rank >= relevance(of_queries).mean_reciprocal_rank


def test_no_queries_have_no_metrics() -> None:
    with pytest.raises(ValueError, match="no queries"):
        relevance([])
