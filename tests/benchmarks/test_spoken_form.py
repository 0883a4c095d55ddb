"""What counts as the same words."""

from __future__ import annotations

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.spoken_form import in_words, normalisation, numbers_in_words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (40, "forty"),
        (99, "ninety nine"),
        (100, "one hundred"),
        (215, "two hundred fifteen"),
        (1000, "one thousand"),
        (1805, "one thousand eight hundred five"),
        (1999, "nineteen ninety nine"),
        (2024, "two thousand twenty four"),
        (999_999, "nine hundred ninety nine thousand nine hundred ninety nine"),
    ],
)
def test_numbers_as_they_are_read(number: int, words: str) -> None:
    assert in_words(number) == words


@given(st.integers(0, 999_999), st.integers(0, 999_999))
def test_no_two_numbers_sound_alike(first: int, second: int) -> None:
    assert (in_words(first) == in_words(second)) == (first == second)


@pytest.mark.parametrize("number", [-1, 1_000_000])
def test_number_out_of_range(number: int) -> None:
    with pytest.raises(ValueError, match="not between"):
        in_words(number)


def test_numbers_inside_a_text() -> None:
    said = numbers_in_words("5,500 galaxies in 23 days, and 12345678 more")
    assert said == "five thousand five hundred galaxies in twenty three days, and 12345678 more"


@pytest.mark.parametrize(
    ("reference", "heard"),
    [
        ("IT'S EXCITING", "It\u2019s exciting!"),
        ("mister john dashwood", "Mr. John Dashwood"),
        ("IVORY COLORED BERRIES", "ivory -colored berries,"),
        ("in nineteen ninety nine", "In 1999"),
        ("we cannot, he said", "We  cannot -- he said."),
    ],
)
def test_spelling_is_no_error(reference: str, heard: str) -> None:
    rules = normalisation()
    assert jiwer.process_words(reference, heard, rules, rules).wer == 0


def test_another_word_is_an_error() -> None:
    rules = normalisation()
    found = jiwer.process_words("ask not what your country can do", "Ask now what country can do for", rules, rules)
    assert (found.substitutions, found.deletions, found.insertions) == (1, 1, 1)
