"""The next batch is decoded while the network is busy with the present one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def prepared_ahead(items: Iterable[T], prepare: Callable[[T], R]) -> Iterator[R]:
    """`prepare(item)` for each item, in order, each begun in a background thread before the one before it is used.

    At most two results exist at a time. An error of `prepare` comes up where its result would have.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="prepare") as worker:
        waiting: Future[R] | None = None
        for item in items:
            following = worker.submit(prepare, item)
            if waiting is not None:
                yield waiting.result()
            waiting = following
        if waiting is not None:
            yield waiting.result()
