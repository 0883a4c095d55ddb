"""One decoding child as its parent sees it: started when needed, watched, killed when it hangs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing.connection import Connection
from pathlib import Path
from socket import socketpair
from typing import IO

import media
from media.errors import DecodeStalled, MediaError, WorkerDied, label
from media.limits import DecodeLimits
from media.protocol import Advanced, Done, Failed, Outcome, Reply, Task

_POLL_S = 0.25
_STDERR_TAIL_BYTES = 2000
_DYING_S = 5.0


class Child:
    """Runs one task at a time. Not for several threads.

    The process is started by the thread that first runs a task and ends at the latest with that thread: Linux
    ties the two together.

    Args:
        limits: Time and memory it may take.
    """

    def __init__(self, limits: DecodeLimits) -> None:
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection[Task, Reply] | None = None
        self._stderr: IO[bytes] | None = None
        self._open = ExitStack()

    @property
    def pid(self) -> int | None:
        """The running process, if there is one."""
        return self._process.pid if self._process else None

    def run(
        self, task: Task, on_progress: Callable[[Advanced], None], cancelled: Callable[[], bool]
    ) -> Outcome | MediaError | None:
        """Do one task. None when `cancelled` turned true, else the result or the reason why there is none."""
        try:
            pipe = self._ready(task)
            pipe.send(task)
            reply = self._await(pipe, task, on_progress, cancelled)
        except MediaError as error:
            reply = Failed(error, reusable=False)
        except (EOFError, OSError):
            if self._process is None:
                # No process could be started: not the file's fault.
                self._open.close()
                raise
            reply = Failed(self._death(task), reusable=False)
        if reply is None:
            self.stop()
            return None
        if isinstance(reply, Done):
            return reply.outcome
        if not reply.reusable:
            self.stop()
        return reply.error

    def stop(self) -> None:
        """End the process now, whatever it does."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = self._pipe = None
        self._open.close()

    def _ready(self, task: Task) -> Connection[Task, Reply]:
        if self._process is not None and self._process.poll() is not None:
            self.stop()
        if self._process is None or self._pipe is None:
            self._pipe = self._start()
            if not self._pipe.poll(self._limits.start_timeout_s):
                raise _stalled(task, f"stopped: its decoder did not start in {self._limits.start_timeout_s:.0f} s.")
            self._pipe.recv()
        return self._pipe

    def _start(self) -> Connection[Task, Reply]:
        ours, theirs = socketpair()
        their_lifeline, our_lifeline = os.pipe()
        self._open.callback(os.close, our_lifeline)
        pipe: Connection[Task, Reply] = self._open.enter_context(Connection(ours.detach()))
        # Closed by the stack, when the process has ended.
        self._stderr = self._open.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    # Without the working directory on the path: a file there cannot pose as a module.
                    "-P",
                    "-m",
                    "media.worker",
                    str(theirs.fileno()),
                    str(their_lifeline),
                    str(self._limits.memory_bytes),
                ],
                pass_fds=(theirs.fileno(), their_lifeline),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr,
                env=_environment(),
                # An interrupt typed at the terminal is the parent's to handle.
                start_new_session=True,
            )
        finally:
            theirs.close()
            os.close(their_lifeline)
        return pipe

    def _await(
        self,
        pipe: Connection[Task, Reply],
        task: Task,
        on_progress: Callable[[Advanced], None],
        cancelled: Callable[[], bool],
    ) -> Done | Failed | None:
        started_s = heard_s = time.monotonic()
        media_ms = 0
        while not cancelled():
            if pipe.poll(_POLL_S):
                reply = pipe.recv()
                if isinstance(reply, Done | Failed):
                    return reply
                heard_s = time.monotonic()
                if isinstance(reply, Advanced):
                    media_ms = max(media_ms, reply.presented_ms, reply.duration_ms or 0)
                    on_progress(reply)
            now_s = time.monotonic()
            if now_s - heard_s > self._limits.stall_timeout_s:
                silence_s = self._limits.stall_timeout_s
                return Failed(_stalled(task, f"stopped: no progress in {silence_s:.0f} s."), reusable=False)
            if now_s - started_s > self._limits.deadline_s(media_ms):
                spent_s = now_s - started_s
                reason = f"stopped: not done after {spent_s:.0f} s, at a length of {media_ms / 1000:.1f} s."
                return Failed(_stalled(task, reason), reusable=False)
        return None

    def _death(self, task: Task) -> WorkerDied:
        assert self._process is not None
        try:
            code = self._process.wait(_DYING_S)
        except subprocess.TimeoutExpired:
            # It closed its pipe and lives on.
            self._process.kill()
            code = self._process.wait()
        how = f"killed by {_signal_name(-code)}" if code < 0 else f"exit code {code}"
        last = self._last_words()
        what = f"the process decoding it died ({how}{': ' + last if last else ''})."
        return WorkerDied(what, where=label(task.path), remedy="Try it again; if it dies again, convert the file.")

    def _last_words(self) -> str:
        if self._stderr is None:
            return ""
        size = self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, size - _STDERR_TAIL_BYTES))
        lines = self._stderr.read().decode(errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else ""


def _stalled(task: Task, reason: str) -> DecodeStalled:
    return DecodeStalled(reason, where=label(task.path), remedy="The file is set aside; convert it or try it again.")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _environment() -> dict[str, str]:
    """The parent's, with the packages of this distribution in reach and one thread per numeric library."""
    root = str(Path(media.__file__ or "").resolve().parents[1])
    inherited = os.environ.get("PYTHONPATH")
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([root, inherited] if inherited else [root]),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
