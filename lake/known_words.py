"""The words of a corpus: each that is said, seen or read in it, so that a mistyped one can be told from a rare one."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lake.schema import DOCUMENTS, WORDS
from lake.store import Lake

SHORTEST, LONGEST = 4, 30
"""Letters of a word that is kept: shorter ones are too near to each other."""
_WORD = re.compile(r"[^\W\d_]+")
_DOCUMENTS_AT_ONCE = 20_000


def kept_words(text: str) -> set[str]:
    """The words of a text that are kept, in small letters."""
    return {word for word in _WORD.findall(text.lower()) if SHORTEST <= len(word) <= LONGEST}


def add_words(lake: Lake, texts: Iterable[str]) -> None:
    """Keeps the words of some texts. To be called before the texts are written: a word too many harms nobody."""
    words = set[str]().union(*map(kept_words, texts))
    if words:
        lake.insert_new(WORDS, [{"word": word} for word in sorted(words)])


def fill_words(lake: Lake) -> None:
    """Keeps the words of all documents of a lake that has none yet: one that an earlier version of reelindex made."""
    if lake.count(WORDS.name) or not lake.count(DOCUMENTS.name):
        return
    columns = ["caption", "transcript", "screen"]
    for batch in lake.snapshot(DOCUMENTS.name).to_batches(columns=columns, batch_size=_DOCUMENTS_AT_ONCE):
        add_words(lake, (text for name in columns for text in batch[name].to_pylist()))
