"""Answers that were given before and still hold: nothing that they were read from has changed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable

from lake.releases import Release
from lake.schema import DECODES, DOCUMENTS, FILES, TRANSCRIPTS, vectors_table_name
from lake.store import Lake
from retrieval.results import SearchResults

REMEMBERED = 512

Key = tuple[Hashable, ...]


class ResultCache:
    """The last answers of one index. Safe to use from several threads."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._lock = threading.Lock()
        self._answers: OrderedDict[Key, SearchResults] = OrderedDict()

    def key(self, release: Release, asked: Iterable[Hashable]) -> Key:
        """Names a question, the release, and the state of every table that an answer is read from."""
        names = [vectors_table_name(space, version) for space, version in sorted(release.spaces.items())]
        tables = [DOCUMENTS.name, FILES.name, TRANSCRIPTS.name, DECODES.name, *names]
        versions = (self._lake.snapshot(name).version if self._lake.has_table(name) else -1 for name in tables)
        return (release.release_id, *sorted(release.fusion.items()), *asked, *versions)

    def find(self, key: Key) -> SearchResults | None:
        """The answer to a question, None if it was not asked in this state of things."""
        with self._lock:
            found = self._answers.get(key)
            if found is not None:
                self._answers.move_to_end(key)
            return found

    def keep(self, key: Key, answer: SearchResults) -> SearchResults:
        """Remembers an answer in place of the one that was not asked for the longest time, and gives it back."""
        with self._lock:
            self._answers[key] = answer
            if len(self._answers) > REMEMBERED:
                self._answers.popitem(last=False)
        return answer
