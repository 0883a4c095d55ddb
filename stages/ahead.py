"""Reading the next batches while a model works on the present one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar, cast

Item = TypeVar("Item")

BATCHES_AHEAD = 2
_END = object()


@contextmanager
def read_ahead(items: Iterable[Item], *, ahead: int = BATCHES_AHEAD) -> Iterator[Iterator[Item]]:
    """An iterator over the same items, in the same order, that a thread draws up to `ahead` of them in advance.

    An error in drawing is raised where its item would have come. Leaving the context ends the thread.
    """
    source = iter(items)

    def read(thread: ThreadPoolExecutor) -> Iterator[Item]:
        drawn: deque[Future[object]] = deque(thread.submit(next, source, _END) for _ in range(ahead))
        while (item := drawn.popleft().result()) is not _END:
            drawn.append(thread.submit(next, source, _END))
            yield cast(Item, item)

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead") as thread:
        yield read(thread)
