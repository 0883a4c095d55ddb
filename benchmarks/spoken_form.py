"""Two spellings of the same words made equal, before words are counted as wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jiwer

_UNITS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_TITLES = {r"\bmister\b": "mr", r"\bmissus\b": "mrs", r"\bdoctor\b": "dr"}
_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+|\d+")
_YEARS = range(1100, 2000)
_LARGEST = 999_999


def in_words(number: int) -> str:
    """A whole number from 0 to 999,999 as it is read aloud: 1,100 to 1,999 as a year, in two pairs of digits.

    Raises:
        ValueError: The number is outside the range.
    """
    if not 0 <= number <= _LARGEST:
        raise ValueError(f"{number} is not between 0 and {_LARGEST}")
    if number in _YEARS and number % 100 >= 10:
        return f"{in_words(number // 100)} {in_words(number % 100)}"
    if number < len(_UNITS):
        return _UNITS[number]
    if number < 100:
        return " ".join([_TENS[number // 10], *([_UNITS[number % 10]] if number % 10 else [])])
    size, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    return " ".join([in_words(number // size), name, *([in_words(number % size)] if number % size else [])])


def numbers_in_words(text: str) -> str:
    """The text with its numbers in digits spelled out, up to six digits; longer ones stay as they are."""

    def spelled(match: re.Match[str]) -> str:
        number = int(match[0].replace(",", ""))
        return in_words(number) if number <= _LARGEST else match[0]

    return _NUMBER.sub(spelled, text)


def normalisation() -> jiwer.Compose:
    """What is done to reference and hypothesis alike.

    Small letters; plain apostrophes; contractions in full; numbers and titles in words; hyphens as spaces; no other
    punctuation; single spaces.
    """
    import jiwer

    class NumbersInWords(jiwer.AbstractTransform):
        def process_string(self, s: str) -> str:
            return numbers_in_words(s)

    return jiwer.Compose(
        [
            jiwer.ToLowerCase(),
            jiwer.SubstituteRegexes({"[\u2018\u2019]": "'", "[-\u2010-\u2015]": " ", **_TITLES}),
            jiwer.ExpandCommonEnglishContractions(),
            NumbersInWords(),
            jiwer.RemovePunctuation(),  # type: ignore[no-untyped-call]
            jiwer.RemoveMultipleSpaces(),
            jiwer.Strip(),
            jiwer.ReduceToListOfListOfWords(),
        ]
    )
