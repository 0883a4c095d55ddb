"""Queries after a disturbance are what a person might have typed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.robustness.queries import QUERY_DISTURBANCES, key_words, misspelt


def test_slips_change_one_letter_or_two_and_leave_small_words() -> None:
    random = np.random.default_rng(0)
    for _ in range(50):
        slipped = misspelt("a brown dog runs", random, 1)
        words = slipped.split()
        assert words[0] == "a"
        assert words[2] == "dog"
        assert abs(len(slipped) - len("a brown dog runs")) <= 1
    assert misspelt("a dog", random, 3) == "a dog"
    assert key_words("A dog on the snow") == "dog snow"
    assert key_words("of the") == "of the"


@pytest.mark.parametrize("name", QUERY_DISTURBANCES)
@given(words=st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=9), min_size=1, max_size=9))
def test_a_query_stays_one_and_the_same_slips_are_made_again(name: str, words: list[str]) -> None:
    text = " ".join(words)
    once, again = (QUERY_DISTURBANCES[name](text, np.random.default_rng(3)) for _ in range(2))
    assert once == again
    assert once.strip()


def test_another_order_keeps_every_word_that_counts() -> None:
    disturbed = QUERY_DISTURBANCES["other order"]("a brown dog runs in the snow", np.random.default_rng(0))
    assert sorted(disturbed.split()) == ["brown", "dog", "runs", "snow"]
