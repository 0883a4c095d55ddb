"""Results on their way into the lake: written when there are enough of them, or when they have waited enough."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeVar

Item = TypeVar("Item")

MAX_AGE_S = 5.0


class WriteBuffer(Generic[Item]):
    """Collects items and hands them to `write` in batches; as a context manager it writes the rest on leaving.

    A commit costs tens of milliseconds whatever its size, so rows are not written one by one; and a process may be
    killed at any moment, so an item that comes `max_age_s` or more after the last write is written at once: where each
    takes minutes, none waits for the next. Items are also written when an error passes through: what is finished is
    kept.
    """

    def __init__(
        self,
        write: Callable[[list[Item]], None],
        *,
        max_weight: float,
        weigh: Callable[[Item], float] = lambda item: 1.0,
        max_age_s: float = MAX_AGE_S,
    ) -> None:
        self._write = write
        self._weigh = weigh
        self._max_weight = max_weight
        self._max_age_s = max_age_s
        self._items: list[Item] = []
        self._weight = 0.0
        self._written_at = time.monotonic()

    def __enter__(self) -> WriteBuffer[Item]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush()

    def add(self, item: Item) -> None:
        """Takes one item, and writes all of them if that makes enough."""
        self._items.append(item)
        self._weight += self._weigh(item)
        if self._weight >= self._max_weight or time.monotonic() - self._written_at >= self._max_age_s:
            self.flush()

    def flush(self) -> None:
        """Writes what has been collected."""
        items, self._items, self._weight = self._items, [], 0.0
        if items:
            self._write(items)
            self._written_at = time.monotonic()
