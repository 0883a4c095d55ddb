"""Words as the full-text index takes them: in small letters, by their stems, without accents and stop words."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lancedb.index import FTS
    from snowballstemmer.basestemmer import BaseStemmer

# Scripts that put no spaces between words: each sign is taken for one, which is near enough to tell how much of a query
# a text has. The index breaks them by ICU's dictionaries.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
_SHORT = """
a an and are as at be but by for if in into is it no not of on or such that the their then there these they this to was
will with
"""
ENGLISH_STOP_WORDS = frozenset(_SHORT.split())
"""Those that the index leaves out by itself (tantivy's list)."""
ANY = "any"
LANGUAGES = (
    "arabic",
    "danish",
    "dutch",
    "english",
    "finnish",
    "french",
    "german",
    "greek",
    "hungarian",
    "italian",
    "norwegian",
    "portuguese",
    "romanian",
    "russian",
    "spanish",
    "swedish",
    "turkish",
    ANY,
)
"""`any` is for corpora of several languages: words are broken as each script does it, and taken as they are."""
_REMEMBERED, _REMEMBERED_TEXTS = 65_536, 4_096
_NOTHING: Mapping[str, str] = {}
_ONE_AT_A_TIME = threading.Lock()
"""A stemmer keeps the word that it works on."""


@dataclass(frozen=True, slots=True)
class Language:
    """How texts are taken apart; `name` is one of `LANGUAGES`."""

    name: str = "english"

    def words_of(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Start, end and stem of every word of a text that counts."""
        for found in _WORD.finditer(text):
            stemmed = self.stem(found.group().lower())
            if stemmed:
                yield found.start(), found.end(), stemmed

    def stems_of(self, text: str) -> frozenset[str]:
        """The stems of a text."""
        return _stems_of(self.name, text)

    def coverage(self, query: frozenset[str], text: str, instead: Mapping[str, str] = _NOTHING) -> float:
        """The share of a query's stems that a text has; 0 for a query without any.

        Args:
            query: Its stems.
            text: The text.
            instead: Of stems that no text has, those that may have been meant: one counts half.
        """
        if not query:
            return 0.0
        there = self.stems_of(text)
        meant = sum(instead[one] in there for one in query - there if one in instead)
        return (len(query & there) + meant / 2) / len(query)

    def matched(self, query: frozenset[str], text: str) -> list[tuple[int, int]]:
        """Where in a text the words of a query are: `[start, end)` in characters, in order."""
        return [(start, end) for start, end, stemmed in self.words_of(text) if stemmed in query]

    def stem(self, word: str) -> str:
        """The stem of a word in small letters, as the index has it; empty for a stop word."""
        return _stem(self.name, word)

    def without_stop_words(self, text: str) -> str:
        """A text as it is, but for the words that say nothing."""
        if not self.stop_words():
            return text
        return _WORD.sub(lambda found: found.group() if self.stem(found.group().lower()) else " ", text)

    def stop_words(self) -> frozenset[str]:
        """Words that say nothing by themselves, in small letters."""
        return _stop_words(self.name)

    def index(self) -> FTS:
        """The full-text index of a column in this language."""
        from lancedb.index import FTS

        if self.name == ANY:
            return FTS(with_position=True, base_tokenizer="icu", stem=False, remove_stop_words=False)
        # The index would take stop words out after it has stemmed, and with Portuguese "pra" the beach, "praia": beside
        # its short list for English, they are left out of what is asked (`without_stop_words`).
        return FTS(with_position=True, language=self.name.title(), remove_stop_words=self.name == "english")

    @classmethod
    def of_index(cls, details: Mapping[str, Any]) -> Language:
        """The language of an index, from what the table says of it."""
        return cls(str(details["language"]).lower() if details["stem"] else ANY)


@cache
def _stop_words(language: str) -> frozenset[str]:
    if language == ANY:
        return frozenset()
    if language == "english":
        return ENGLISH_STOP_WORDS
    from stop_words import get_stop_words

    return frozenset(word.lower() for word in get_stop_words(language))


@lru_cache(maxsize=_REMEMBERED_TEXTS)
def _stems_of(language: str, text: str) -> frozenset[str]:
    return frozenset(_stem(language, word) for word in set(_WORD.findall(text.lower()))) - {""}


@lru_cache(maxsize=_REMEMBERED)
def _stem(language: str, word: str) -> str:
    stems_of_stop_words = _stop_words(language)
    if word in stems_of_stop_words:
        return ""
    bare = word if language == ANY else _bare(language, word)
    return "".join(one for one in unicodedata.normalize("NFKD", bare) if not unicodedata.combining(one))


def _bare(language: str, word: str) -> str:
    """A word without its endings, by Snowball's algorithm for the language."""
    with _ONE_AT_A_TIME:
        return str(_stemmer(language).stemWord(word))


@cache
def _stemmer(language: str) -> BaseStemmer:
    import snowballstemmer

    return snowballstemmer.stemmer(language)
