"""The language that a lake's words are searched in: that of its full-text index, and of nothing else."""

from __future__ import annotations

import threading

from lake.schema import DOCUMENTS
from lake.store import Lake
from retrieval.legs import WORDS_LEGS
from retrieval.words import Language


def language_of(lake: Lake) -> Language | None:
    """The language of the full-text index; None where there is no index yet."""
    for index in lake.table(DOCUMENTS.name).list_indices():
        if index.columns == [WORDS_LEGS[0]]:
            return Language.of_index(index.index_details or {})
    return None


class IndexedLanguage:
    """`language_of` one lake, looked at again when its documents have changed. Safe to use from several threads."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._lock = threading.Lock()
        self._seen: tuple[int, Language] | None = None

    def current(self) -> Language:
        """The language; English where there is no index yet."""
        version = self._lake.snapshot(DOCUMENTS.name).version
        with self._lock:
            if self._seen is None or self._seen[0] != version:
                self._seen = (version, language_of(self._lake) or Language())
            return self._seen[1]
