"""Two other processes that do things to a lake, started once for all tests because they take seconds to start."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from threading import BrokenBarrierError
from typing import Any

PATIENCE_S = 120

_barrier: Any = None


class TwoProcesses:
    """Two spawned processes with their own handles."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(2, mp_context=context, initializer=_prepare, initargs=(context.Barrier(2),))

    def alone(self, job: Callable[..., Any], *arguments: object) -> Any:
        """Runs a job in one of them and returns its result."""
        return self._pool.submit(job, *arguments).result(PATIENCE_S)

    def start_together(self, job: Callable[..., Any], *arguments: tuple[object, ...]) -> list[Future[Any]]:
        """Starts a job in both at the same moment, each with its own arguments."""
        assert len(arguments) == 2
        return [self._pool.submit(_at_once, job, *mine) for mine in arguments]

    def together(self, job: Callable[..., Any], *arguments: tuple[object, ...]) -> list[Any]:
        """Runs a job in both, started at the same moment, and returns both results."""
        return [future.result(PATIENCE_S) for future in self.start_together(job, *arguments)]

    def close(self) -> None:
        """Ends both."""
        self._pool.shutdown(cancel_futures=True)


def meet() -> None:
    """Inside a job that runs in both: waits until the other one is here too."""
    _barrier.wait(PATIENCE_S)


def _prepare(barrier: Any) -> None:
    global _barrier
    import lance  # noqa: F401
    import lancedb  # noqa: F401

    _barrier = barrier


def _at_once(job: Callable[..., Any], *arguments: object) -> Any:
    meet()
    try:
        return job(*arguments)
    except BrokenBarrierError:
        raise
    except BaseException:
        _barrier.abort()  # the other one must not wait for a process that has failed
        raise
