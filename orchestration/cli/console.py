"""How the command line speaks: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from kernel.progress import Advance

WIDE = 200
out = Console(width=None if sys.stdout.isatty() else WIDE)
errors = Console(stderr=True)

EXIT_SOME_FAILED = 3


def print_json(value: Any) -> None:
    """One JSON document on standard output, as it is: no colours, no wrapping."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def clock(time_ms: int) -> str:
    """A time as a player shows it: `1:02:03.4` or `2:03.4`."""
    tenths = time_ms // 100
    minutes, seconds = divmod(tenths // 10, 60)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{head}:{seconds:02d}.{tenths % 10}"


class TerminalProgress:
    """One bar a task; where standard error is no terminal, one line when a task is finished."""

    def __init__(self) -> None:
        self._console = errors

    @contextmanager
    def task(self, name: str, total: float, unit: str) -> Iterator[Advance]:
        """Shows the task until the context closes; a task with nothing to do is not shown."""
        if total <= 0:
            yield lambda amount: None
            return
        if not self._console.is_terminal:
            yield lambda amount: None
            self._console.print(f"{name}: {total:,.0f} {unit}", highlight=False)
            return
        columns = (
            TextColumn("{task.description:<24}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(unit),
            TimeRemainingColumn(elapsed_when_finished=True),
        )
        with Bars(*columns, console=self._console) as bars:
            bar = bars.add_task(name, total=round(total))
            yield lambda amount: bars.advance(bar, amount)
