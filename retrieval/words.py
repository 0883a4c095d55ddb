"""Words as the full-text index takes them: split, in small letters, without stop words, reduced to their stems."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from functools import lru_cache

import snowballstemmer

_WORD = re.compile(r"\w+")
_NOTHING: Mapping[str, str] = {}
_SHORT = """
a an and are as at be but by for if in into is it no not of on or such that the their then there these they this to was
will with
"""
STOP_WORDS = frozenset(_SHORT.split())
"""Those that the index leaves out (tantivy's list for English)."""
_REMEMBERED = 65_536
_STEMMER = snowballstemmer.stemmer("english")
_ONE_AT_A_TIME = threading.Lock()
"""A stemmer keeps the word that it works on."""


def words_of(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and stem of every word of a text that counts."""
    for found in _WORD.finditer(text):
        word = found.group().lower()
        if word not in STOP_WORDS:
            yield found.start(), found.end(), stem(word)


def stems_of(text: str) -> frozenset[str]:
    """The stems of a text."""
    return frozenset(map(stem, set(_WORD.findall(text.lower())) - STOP_WORDS))


def coverage(query: frozenset[str], text: str, instead: Mapping[str, str] = _NOTHING) -> float:
    """The share of a query's stems that a text has; 0 for a query without any.

    Args:
        query: Its stems.
        text: The text.
        instead: Of stems that no text has, those that may have been meant: one counts half.
    """
    if not query:
        return 0.0
    there = stems_of(text)
    meant = sum(instead[one] in there for one in query - there if one in instead)
    return (len(query & there) + meant / 2) / len(query)


def matched(query: frozenset[str], text: str) -> list[tuple[int, int]]:
    """Where in a text the words of a query are: `[start, end)` in characters, in order."""
    return [(start, end) for start, end, stemmed in words_of(text) if stemmed in query]


@lru_cache(maxsize=_REMEMBERED)
def stem(word: str) -> str:
    """The stem of a word in small letters, by Porter's second English algorithm, as the index has it."""
    with _ONE_AT_A_TIME:
        return str(_STEMMER.stemWord(word))
