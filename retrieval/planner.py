"""What a query can use: its words, its quoted phrases, and the legs that have anything to say to it."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from lake.schema import DOCUMENTS
from lake.store import Lake
from retrieval.legs import WORDS_LEGS
from retrieval.words import Language

_PHRASE = re.compile(r'"([^"]*)"')
_ENGLISH = Language()
MOST_PHRASES = 8
"""More are taken as words."""


def _taken_as_typed(text: str, language: Language) -> Mapping[str, str]:
    del text, language
    return {}


@dataclass(frozen=True, slots=True)
class Query:
    """A query as it was understood.

    Attributes:
        text: All of its words, without the quotes of phrases.
        phrases: What was in quotes: each must occur, word for word up to endings.
        only_phrases: Whether there is nothing outside of the quotes.
        language: How its words are taken.
        meant: Its words outside of quotes that occur nowhere, each with the one that it may have been meant to be.
    """

    text: str
    phrases: tuple[str, ...]
    only_phrases: bool
    language: Language = _ENGLISH
    meant: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """What words legs are asked: the words that count, and those that some of them were meant to be."""
        return " ".join([self.language.without_stop_words(self.text), *self.meant.values()])

    @property
    def stems(self) -> frozenset[str]:
        """What its words come down to; none if it has only stop words, signs or pictures."""
        return self.language.stems_of(self.text)

    @property
    def instead(self) -> dict[str, str]:
        """By the stem of a word, that of the one that it may have been meant to be."""
        stem = self.language.stem
        return {stem(word): stem(known) for word, known in self.meant.items()}


def understand(
    text: str,
    language: Language = _ENGLISH,
    spelling: Callable[[str, Language], Mapping[str, str]] = _taken_as_typed,
) -> Query:
    """Takes a query apart. Quotes that do not close, or have no word between them, are text like any other sign.

    Args:
        text: The query.
        language: How its words are taken.
        spelling: Gives the words of a text that occur nowhere, each with the one that it may have been meant to be.
    """
    found = [one.strip() for one in _PHRASE.findall(text)]
    phrases = tuple(dict.fromkeys(one for one in found if language.stems_of(one)))[:MOST_PHRASES]
    if not phrases:
        return Query(text, (), only_phrases=False, language=language, meant=spelling(text, language))
    plain = _PHRASE.sub(r" \1 ", text)
    outside = _PHRASE.sub(" ", text)
    only_phrases = not language.stems_of(outside)
    return Query(" ".join(plain.split()), phrases, only_phrases, language, meant=spelling(outside, language))


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
