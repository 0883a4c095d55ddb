"""Many files -> their facts, shots and sound, decoded in child processes that may crash or hang alone."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Self, TypeVar

from media.child import Child
from media.errors import MediaError
from media.limits import DecodeLimits
from media.probe import VideoFacts
from media.protocol import Advanced, DecodeTask, Outcome, ProbeTask, SoundTask, Task
from media.shots import DecodedVideo
from media.sound import SoundTrack
from media.spec import SegmenterSpec

OnProgress = Callable[[Path, int, "int | None"], None]
"""Called in the consumer's thread with a file, the presentation time reached and its duration, both in ms."""

_WAITING_MAX = 2
ResultT = TypeVar("ResultT", VideoFacts, DecodedVideo, SoundTrack)


@dataclass(frozen=True, slots=True)
class _Event:
    """Something a worker thread tells the consumer: progress, or the end of a task."""

    task: Task
    content: Advanced | Outcome | Exception


@dataclass(frozen=True, slots=True)
class _Batch:
    """The tasks of one streaming call."""

    events: SimpleQueue[_Event] = field(default_factory=SimpleQueue)
    cancelled: threading.Event = field(default_factory=threading.Event)


class MediaWorkers:
    """A few decoding processes, each reused for many files. To be used from one thread, as a context manager.

    Results come in the order of completion, and no more than two finished ones wait besides those in work: a slow
    consumer slows the decoding down instead of filling the memory. Leaving an iteration early stops its decodes.

    Args:
        count: Processes; default one per CPU this process may use. They start with the first files.
        limits: Time and memory for each.
    """

    def __init__(self, count: int | None = None, limits: DecodeLimits | None = None) -> None:
        self._count = count or _usable_cpus()
        self._limits = limits or DecodeLimits()
        self._tasks: SimpleQueue[tuple[_Batch, Task] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._children: list[Child] = []
        self._closing = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the processes, finished or not."""
        self._closing.set()
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    @property
    def pids(self) -> list[int]:
        """The processes that run now."""
        return [child.pid for child in self._children if child.pid is not None]

    def probe(self, path: Path) -> VideoFacts:
        """What one file is.

        Raises:
            MediaError: The file gave no facts.
        """
        with closing(self.probe_all([path])) as results:
            _, result = next(results)
        if isinstance(result, MediaError):
            raise result
        return result

    def probe_all(self, paths: Iterable[Path]) -> Generator[tuple[Path, VideoFacts | MediaError]]:
        """What the files are."""
        return self._stream((ProbeTask(path) for path in paths), VideoFacts, None)

    def decode_all(
        self, paths: Iterable[Path], spec: SegmenterSpec, on_progress: OnProgress | None = None
    ) -> Generator[tuple[Path, DecodedVideo | MediaError]]:
        """The files' segments and keyframes."""
        return self._stream((DecodeTask(path, spec) for path in paths), DecodedVideo, on_progress)

    def sound_all(
        self, jobs: Iterable[tuple[Path, Path]], on_progress: OnProgress | None = None
    ) -> Generator[tuple[Path, SoundTrack | MediaError]]:
        """The files' sound tracks, each written to the second path of its job. A failed one leaves no file."""
        return self._stream((SoundTask(path, output) for path, output in jobs), SoundTrack, on_progress)

    def _stream(
        self, tasks: Iterator[Task], kind: type[ResultT], on_progress: OnProgress | None
    ) -> Generator[tuple[Path, ResultT | MediaError]]:
        batch = _Batch()
        unanswered = 0
        try:
            while True:
                while unanswered < self._count + _WAITING_MAX and (task := next(tasks, None)) is not None:
                    self._submit(batch, task)
                    unanswered += 1
                if unanswered == 0:
                    return
                event = batch.events.get()
                if isinstance(event.content, Advanced):
                    if on_progress is not None:
                        on_progress(event.task.path, event.content.presented_ms, event.content.duration_ms)
                    continue
                unanswered -= 1
                if not isinstance(event.content, kind | MediaError):
                    raise event.content if isinstance(event.content, Exception) else TypeError(event.content)
                yield event.task.path, event.content
        finally:
            batch.cancelled.set()

    def _submit(self, batch: _Batch, task: Task) -> None:
        if self._closing.is_set():
            raise RuntimeError("these workers are closed")
        self._tasks.put((batch, task))
        if len(self._threads) < self._count:
            child = Child(self._limits)
            self._children.append(child)
            name = f"media-{len(self._threads)}"
            thread = threading.Thread(target=self._serve, args=(child,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, child: Child) -> None:
        try:
            while (item := self._tasks.get()) is not None:
                batch, task = item
                content = self._attempt(child, batch, task)
                if content is not None:
                    batch.events.put(_Event(task, content))
        finally:
            child.stop()

    def _attempt(self, child: Child, batch: _Batch, task: Task) -> Outcome | Exception | None:
        def cancelled() -> bool:
            return batch.cancelled.is_set() or self._closing.is_set()

        if cancelled():
            return None
        try:
            result = child.run(task, lambda advanced: batch.events.put(_Event(task, advanced)), cancelled)
        except Exception as error:
            return error
        if isinstance(task, SoundTask) and not isinstance(result, SoundTrack):
            task.output.unlink(missing_ok=True)
        return result


def _usable_cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
