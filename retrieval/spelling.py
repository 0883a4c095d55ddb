"""Mistyped words: one that occurs nowhere in the corpus, and is a letter away from one that does, may mean that one."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence

from lake.known_words import kept_words
from lake.schema import WORDS
from lake.store import Lake
from retrieval.words import Language

SHORTEST = 5
"""Letters of a word that is corrected: among shorter ones too many are a letter away from another."""
TWO_SLIPS_FROM = 9
"""Letters from which two slips are forgiven."""
MOST_CORRECTED = 4
"""Words of a query."""
_FORMS = 3
"""Letters that a form of a word may add to it: `run`, `running`."""
_LOOKED_AT = 50


class Spelling:
    """The words of one lake. Safe to use from several threads."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._lock = threading.Lock()
        self._seen: tuple[int, _Known] | None = None

    def corrected(self, text: str, language: Language) -> dict[str, str]:
        """The words of a text that no document has, each with the known word that it is nearest to, if one is near.

        A slip is a letter too many, missing, another, or swapped with its neighbour; never the first one.
        """
        asked = sorted(word for word in kept_words(text) if len(word) >= SHORTEST)
        if not asked:
            return {}
        known = self._known()
        unknown = [word for word in asked if word not in known.words][:MOST_CORRECTED]
        meant = {word: _nearest(word, known.by_start.get(word[0], ()), language) for word in unknown}
        return {word: one for word, one in meant.items() if one is not None}

    def _known(self) -> _Known:
        """All words; read again when there are more."""
        words = self._lake.snapshot(WORDS.name)
        with self._lock:
            if self._seen is None or self._seen[0] != words.version:
                self._seen = (words.version, _Known(words.to_table(columns=["word"])["word"].to_pylist()))
            return self._seen[1]


class _Known:
    """The words of a corpus, and the same by their first letter."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = frozenset(words)
        self.by_start: dict[str, list[str]] = defaultdict(list)
        for word in words:
            self.by_start[word[0]].append(word)


def _nearest(word: str, known: Sequence[str], language: Language) -> str | None:
    """The known word that a word was meant to be; None where it is known in any form itself, or nothing is near."""
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import extract

    slips = 2 if len(word) >= TWO_SLIPS_FROM else 1
    near = extract(word, known, scorer=OSA.distance, score_cutoff=max(slips, _FORMS), limit=_LOOKED_AT)
    if any(language.stem(one) == language.stem(word) for one, _, _ in near):
        return None
    best = [(distance, one) for one, distance, _ in near if distance <= slips]
    return min(best)[1] if best else None
