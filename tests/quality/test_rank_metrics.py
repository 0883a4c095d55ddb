from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.rank_metrics import overlap, paired_difference, rank_correlation, rank_of, recall_at, reciprocal_ranks

rankings = st.lists(st.sampled_from("abcdefghijklmno"), unique=True, max_size=10)


def test_a_place_is_counted_from_one_and_a_video_that_is_not_found_has_none() -> None:
    assert [rank_of(one, "xyz") for one in "xza"] == [1, 3, None]
    assert reciprocal_ranks([1, 4, None]).tolist() == [1.0, 0.25, 0.0]
    assert [recall_at([1, 5, 6, None], k) for k in (1, 5, 10)] == [0.25, 0.5, 0.75]


@given(rankings, rankings)
def test_overlap_and_correlation_are_symmetric_and_within_their_bounds(left: list[str], right: list[str]) -> None:
    assert 0 <= overlap(left, right) == overlap(right, left) <= 1
    assert overlap(left, left) == 1
    correlation = rank_correlation(left, right)
    assert correlation == pytest.approx(rank_correlation(right, left))
    assert correlation is None or -1.000001 <= correlation <= 1.000001


@given(rankings.filter(lambda ranking: len(ranking) > 1))
def test_the_same_order_correlates_and_the_reverse_order_does_the_opposite(ranking: list[str]) -> None:
    assert rank_correlation(ranking, ranking) == pytest.approx(1)
    assert rank_correlation(ranking, ranking[::-1]) == pytest.approx(-1)


def test_the_correlation_is_that_of_scipy_over_the_union_with_ties_behind_the_last() -> None:
    stats = pytest.importorskip("scipy.stats")
    # a b c d against c a e: the union a b c d e, with e behind d on the left, b and d behind e on the right
    assert rank_correlation("abcd", "cae") == pytest.approx(stats.spearmanr([1, 2, 3, 4, 5], [2, 4, 1, 4, 3]).statistic)
    assert rank_correlation("", "a") is None


def test_the_interval_is_that_of_the_paired_differences() -> None:
    drawn = np.random.default_rng(7)
    live = drawn.uniform(size=400)
    candidate = live + drawn.normal(0.1, 0.05, size=400)
    found = paired_difference(candidate, live)
    assert found == paired_difference(candidate, live), "the same numbers, the same interval"
    # The normal approximation of the mean: 1.645 standard errors to each side; far narrower than unpaired.
    error = (candidate - live).std() / 20
    assert found.mean == pytest.approx((candidate - live).mean())
    assert found.low == pytest.approx(found.mean - 1.645 * error, abs=error / 5)
    assert found.high == pytest.approx(found.mean + 1.645 * error, abs=error / 5)


def test_the_lower_bound_is_exceeded_by_the_truth_in_about_95_of_100_draws() -> None:
    drawn = np.random.default_rng(1)
    held = [paired_difference(drawn.normal(0.0, 0.3, size=60), np.zeros(60), seed=n).low <= 0 for n in range(150)]
    assert 0.89 <= np.mean(held) <= 1.0


def test_no_difference_is_certain() -> None:
    same = np.array([1.0, 0.5, 0.0])
    assert paired_difference(same, same).low == 0.0
