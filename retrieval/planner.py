"""What a query can use: its words, its quoted phrases, and the legs that have anything to say to it."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from lake.schema import DOCUMENTS
from lake.store import Lake
from retrieval.legs import WORDS_LEGS
from retrieval.words import stems_of

_PHRASE = re.compile(r'"([^"]*)"')
MOST_PHRASES = 8
"""More are taken as words."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query as it was understood.

    Attributes:
        text: All of its words, without the quotes of phrases.
        phrases: What was in quotes: each must occur, word for word up to endings.
        stems: What its words come down to; none if it has only stop words, signs or pictures.
        only_phrases: Whether there is nothing outside of the quotes.
    """

    text: str
    phrases: tuple[str, ...]
    stems: frozenset[str]
    only_phrases: bool


def understand(text: str) -> Query:
    """Takes a query apart. Quotes that do not close, or have no word between them, are text like any other sign."""
    found = [one.strip() for one in _PHRASE.findall(text)]
    phrases = tuple(dict.fromkeys(one for one in found if stems_of(one)))[:MOST_PHRASES]
    if not phrases:
        return Query(text, (), stems_of(text), only_phrases=False)
    plain = _PHRASE.sub(r" \1 ", text)
    outside = _PHRASE.sub(" ", text)
    return Query(" ".join(plain.split()), phrases, stems_of(plain), only_phrases=not stems_of(outside))


class WordsThere:
    """Which words legs of a lake have any words: an index without any is not asked."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._lock = threading.Lock()
        self._seen: tuple[int, frozenset[str]] | None = None

    def legs(self) -> frozenset[str]:
        """Those with a word in any segment; looked at again when the documents have changed."""
        documents = self._lake.snapshot(DOCUMENTS.name)
        with self._lock:
            if self._seen is None or self._seen[0] != documents.version:
                there = frozenset(
                    leg
                    for leg in WORDS_LEGS
                    if documents.to_table(columns=["segment_id"], filter=f"{leg} != ''", limit=1).num_rows
                )
                self._seen = (documents.version, there)
            return self._seen[1]


def worth_asking(query: Query, legs: Sequence[str], there: frozenset[str]) -> tuple[str, ...]:
    """Of some legs, those that can find anything.

    A words leg needs words in the query and in the corpus. Where all of the query is in quotes, the words decide alone.
    """
    words = [leg for leg in legs if leg in WORDS_LEGS and leg in there and query.stems]
    if query.only_phrases:
        return tuple(words)
    return tuple(leg for leg in legs if leg in words or leg not in WORDS_LEGS)
