"""How long work tells whoever waits for it how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

Advance = Callable[[float], None]
"""Called with how many units have been done since the last call."""


class Progress(Protocol):
    """Something that shows progress: a bar in a terminal, a line in a log."""

    @contextmanager
    def task(self, name: str, total: float, unit: str) -> Iterator[Advance]:
        """Shows one task for as long as the context is open."""
        ...


class Silent:
    """Shows nothing."""

    @contextmanager
    def task(self, name: str, total: float, unit: str) -> Iterator[Advance]:
        """Takes what it is told and does nothing with it."""
        del name, total, unit
        yield lambda done: None
