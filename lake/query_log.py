"""The log of searches: what was asked, of which release, and what was found. A plain file, one JSON object a line."""

from __future__ import annotations

import json
import os
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lake.store import Lake

FILE_NAME = "queries.jsonl"
RECENT = 10_000
"""Searches that are looked back on."""


@dataclass(frozen=True, slots=True)
class LoggedQuery:
    """One search: its words, the release that answered it, and the segments that it found, best first."""

    query: str
    release_id: int
    segment_ids: tuple[str, ...]


class QueryLog:
    """The searches of one lake. A lake that nobody logs searches of has an empty one."""

    def __init__(self, lake: Lake) -> None:
        self._path: Path = lake.folder / FILE_NAME

    def enter(self, query: str, release_id: int, segment_ids: Sequence[str]) -> None:
        """Adds one search."""
        entry = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "query": query,
            "release": release_id,
            "segments": list(segment_ids),
        }
        # One write to a file opened for appending: lines of two processes do not mix.
        line = json.dumps(entry, ensure_ascii=False).encode() + b"\n"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)

    def recent(self, limit: int = RECENT) -> list[LoggedQuery]:
        """The last searches, oldest first; a line that a crash cut short is left out."""
        if not self._path.is_file():
            return []
        with self._path.open(encoding="utf-8", errors="replace") as lines:
            found = (_parsed(line) for line in deque(lines, maxlen=limit))
            return [query for query in found if query is not None]

    def times_found(self) -> Counter[str]:
        """How often each segment was found by the recent searches."""
        return Counter(segment_id for query in self.recent() for segment_id in query.segment_ids)


def _parsed(line: str) -> LoggedQuery | None:
    try:
        entry = json.loads(line)
        return LoggedQuery(str(entry["query"]), int(entry["release"]), tuple(map(str, entry["segments"])))
    except (ValueError, KeyError, TypeError):
        return None
