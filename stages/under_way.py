"""What a process is computing just now, on disk: so that one that dies leaves word of what it died of.

A model in native code can take the whole process with it. The next run finds the batch that was under way, takes its
subjects one by one, and so comes to the one that kills.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from kernel.errors import ReelindexError
from kernel.identity import fingerprint
from lake.store import Lake
from stages.report import Tally
from stages.scope import Scope

FOLDER = ".under-way"


class ProcessDied(ReelindexError):
    """The process ended while it computed this subject and no other."""

    transient = True


class UnderWay:
    """The batches that processes have begun in one stage at one version."""

    def __init__(self, lake: Lake, stage: str, version: str) -> None:
        self._folder = lake.folder / FOLDER
        self._prefix = f"{fingerprint([stage, version])[:16]}-"

    @contextmanager
    def batch(self, subjects: Sequence[str]) -> Iterator[None]:
        """Marks some subjects as under way for as long as the context is open, however it is left but by death."""
        self._folder.mkdir(exist_ok=True)
        mark = self._folder / f"{self._prefix}{os.getpid()}.json"
        mark.write_text(json.dumps({"host": socket.gethostname(), "subjects": list(subjects)}), encoding="utf-8")
        try:
            yield
        finally:
            mark.unlink(missing_ok=True)

    def take_died(self) -> list[tuple[str, ...]]:
        """The batches that processes of this machine died in, each told once."""
        found = []
        for mark in sorted(self._folder.glob(f"{self._prefix}*.json")):
            if _is_running(int(mark.stem.rpartition("-")[2])):
                continue
            subjects = _subjects_of(mark)
            if subjects:
                found.append(subjects)
                mark.unlink(missing_ok=True)
        return found


def _subjects_of(mark: Path) -> tuple[str, ...]:
    try:
        content = json.loads(mark.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ()
    return tuple(content["subjects"]) if content["host"] == socket.gethostname() else ()


def _is_running(pid: int) -> bool:
    import psutil

    if pid == os.getpid():
        return False  # this process has nothing under way when it asks: its number was somebody else's before
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def set_apart_what_kills(
    scope: Scope, under_way: UnderWay, todo: Sequence[str], stage: str, version: str, tally: Tally
) -> tuple[list[str], list[str]]:
    """Looks at what earlier processes died of.

    A segment that a process died of alone counts as failed once more, and is left out when it has had its chances.

    Returns:
        The segments to take in batches, and those to take one by one after them.
    """
    died = under_way.take_died()
    wanted = set(todo)
    suspects = {subject for batch in died for subject in batch} & wanted
    for batch in died:
        if len(batch) == 1 and batch[0] in wanted:
            error = ProcessDied("the process died while it worked on this alone.")
            failure = scope.fail(stage, batch[0], batch[0].partition("-")[0], version, error)
            tally.failed(failure)
            if failure.quarantined:
                wanted.discard(batch[0])
    left = [subject for subject in todo if subject in wanted]
    return [one for one in left if one not in suspects], [one for one in left if one in suspects]
