"""The decoding child: `python -m media.worker PIPE_FD LIFELINE_FD MEMORY_BYTES`.

Takes tasks from a pipe, one after the other, and answers each with signs of life and one last reply. It ends when
the parent does, also in the middle of a decode.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection
from typing import assert_never

from media.errors import DecodeOutOfMemory, MediaError, SoundNotWritten, WorkerDied, label
from media.probe import probe
from media.protocol import Advanced, DecodeTask, Done, Failed, Outcome, ProbeTask, Ready, Reply, SoundTask, Task
from media.shots import decode_video
from media.sound import extract_sound

HEARTBEAT_S = 0.5
_PR_SET_PDEATHSIG = 1


class Heartbeat:
    """Passes progress on to the parent, not more often than it can use."""

    def __init__(self, pipe: Connection[Reply, Task]) -> None:
        self._pipe = pipe
        self._next_s = 0.0

    def __call__(self, presented_ms: int, duration_ms: int | None) -> None:
        """Tell how far the pass is."""
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + HEARTBEAT_S
            self._pipe.send(Advanced(presented_ms, duration_ms))


def perform(task: Task, heartbeat: Heartbeat) -> Outcome:
    """Do one task in this process.

    Raises:
        MediaError: The file gave no result.
    """
    match task:
        case ProbeTask(path):
            return probe(path, heartbeat)
        case DecodeTask(path, spec):
            return decode_video(path, spec, heartbeat)
        case SoundTask(path, output):
            return extract_sound(path, output, heartbeat)
        case _:
            assert_never(task)


def answer(task: Task, heartbeat: Heartbeat, limit_bytes: int) -> Done | Failed:
    """Do one task and turn whatever happens into a reply."""
    try:
        return Done(perform(task, heartbeat))
    except MediaError as error:
        return Failed(error)
    except MemoryError:
        return Failed(out_of_memory(task, limit_bytes), reusable=False)
    except OSError as error:
        # The input's troubles are media errors by now: this is the output's.
        reason = f"its sound cannot be written: {error.strerror or error}."
        return Failed(SoundNotWritten(reason, where=label(task.path), remedy="Make room, or choose another folder."))
    except Exception as error:
        what = f"the decoder failed in an unforeseen way ({type(error).__name__}: {error})."
        return Failed(WorkerDied(what, where=label(task.path), remedy="Please report the file."), reusable=False)


def out_of_memory(task: Task, limit_bytes: int) -> DecodeOutOfMemory:
    """The error for a task that asked for more than the limit."""
    return DecodeOutOfMemory(
        f"decoding it needs more than the {limit_bytes / 2**30:.1f} GiB that a decoder may use.",
        where=label(task.path),
        remedy="Raise the memory limit, or convert the video to a smaller size.",
    )


def _limit(memory_bytes: int) -> None:
    # RLIMIT_DATA counts memory that is really the process's own; RLIMIT_AS would also count mapped libraries.
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _die_with_parent(lifeline_fd: int) -> None:
    if sys.platform == "linux":
        # Ends the process even while native code holds the interpreter. The thread below covers other systems,
        # and a parent that died before this line.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    def watch() -> None:
        os.read(lifeline_fd, 1)
        os._exit(1)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def _quieten() -> None:
    import av

    av.logging.set_level(None)


def main(pipe_fd: int, lifeline_fd: int, memory_bytes: int) -> None:
    """Serve tasks until the pipe is closed."""
    _die_with_parent(lifeline_fd)
    _limit(memory_bytes)
    _quieten()
    pipe: Connection[Reply, Task] = Connection(pipe_fd)
    pipe.send(Ready())
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        reply = answer(task, Heartbeat(pipe), memory_bytes)
        pipe.send(reply)
        if isinstance(reply, Failed) and not reply.reusable:
            return


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:4]))
