"""A program run as its own process, with the CPU time that it and its children took."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kernel.errors import ReelindexError

_TAIL_CHARACTERS = 2000


class RunFailed(ReelindexError):
    """A measured program ended with an error, so that its time means nothing."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a program.

    Attributes:
        cpu_s: User and system time of the process and of all its descendants that were waited for.
        wall_s: Time from start to end.
        output: What it wrote to standard output.
        exit_code: One of those that were accepted.
    """

    cpu_s: float
    wall_s: float
    output: str
    exit_code: int


def run_measured(
    command: Sequence[str], *, folder: Path, environment: Mapping[str, str], accepted: Collection[int] = (0,)
) -> Run:
    """Run a program to its end and measure it.

    Args:
        command: The program and its arguments.
        folder: Its working directory.
        environment: Set on top of this process's environment.
        accepted: Exit codes that count as done.

    Raises:
        RunFailed: It ended with another exit code.
        OSError: It cannot be started.
    """
    # Files, not pipes: nobody reads while wait4 waits.
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        started_s = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.monotonic() - started_s
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        said = output.read()
        if process.returncode not in accepted:
            complaint = errors.read()[-_TAIL_CHARACTERS:] or said[-_TAIL_CHARACTERS:]
            raise RunFailed(f"ended with exit code {process.returncode}: {complaint}", where=" ".join(command))
    return Run(usage.ru_utime + usage.ru_stime, wall_s, said, process.returncode)
