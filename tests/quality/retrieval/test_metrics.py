"""Metrics agree with their definitions, and intervals cover."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.rank_metrics import rank_of, recall_at, reciprocal_ranks
from quality.retrieval.metrics import summed_up, values_of

RANKING = st.permutations([f"v{number}" for number in range(15)])


@given(st.lists(st.tuples(RANKING, st.integers(0, 14), st.integers(0, 15)), min_size=1, max_size=6))
def test_with_one_answer_they_are_what_follows_from_its_rank(questions: list[tuple[list[str], int, int]]) -> None:
    found = [ranking[:cut] for ranking, _, cut in questions]
    wanted = [[f"v{number}"] for _, number, _ in questions]
    values = values_of(wanted, found)
    ranks = [rank_of(one[0], ranking) for one, ranking in zip(wanted, found, strict=True)]
    assert values["mrr"] == pytest.approx(reciprocal_ranks(ranks))
    for k in (1, 5, 10):
        assert values[f"recall@{k}"].mean() == pytest.approx(recall_at(ranks, k))
    gains = [1 / np.log2(1 + rank) if rank is not None and rank <= 10 else 0 for rank in ranks]
    assert values["ndcg@10"] == pytest.approx(gains)


def test_with_several_answers_recall_is_their_share() -> None:
    values = values_of([["a", "b"], ["c"]], [["a", "x", "b"], []])
    assert values["recall@1"].tolist() == [0.5, 0]
    assert values["recall@5"].tolist() == [1, 0]
    assert values["mrr"].tolist() == [1, 0]


def test_an_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    covered = 0
    for seed in range(200):
        hits = (random.random(80) < 0.3).astype(float)
        one = summed_up({"recall@1": hits}, np.arange(80), seed=seed).metrics["recall@1"]
        assert one.low <= one.mean <= one.high
        covered += one.low <= 0.3 <= one.high
    assert 180 <= covered <= 199
