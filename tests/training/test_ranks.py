"""Ranks by cosine."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from training.ranks import ranks_of


@given(st.integers(1, 30), st.integers(1, 40), st.integers(0, 99))
def test_the_rank_is_the_place_in_a_sorted_list(items: int, sentences: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    placed = random.normal(size=(items, 4)).astype(np.float32)
    asked = random.normal(size=(sentences, 4)).astype(np.float32)
    wanted = random.integers(0, items, sentences)
    ranks = ranks_of(asked, placed, wanted)
    for sentence in range(sentences):
        order = np.argsort(-(asked[sentence] @ placed.T), kind="stable").tolist()
        assert abs(ranks[sentence] - (order.index(wanted[sentence]) + 1)) <= 1
        assert 1 <= ranks[sentence] <= items


def test_a_space_in_which_all_is_alike_finds_nothing() -> None:
    same = np.ones((50, 4), dtype=np.float32) / 2
    assert (ranks_of(same, same, np.arange(50)) == 50).all()
