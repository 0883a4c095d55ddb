"""A new lake for every test, and two other processes for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lake.store import Lake
from tests.lake.processes import TwoProcesses


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty lake."""
    return Lake(tmp_path / "lake")


@pytest.fixture(scope="session")
def two_processes() -> Iterator[TwoProcesses]:
    """Two other processes."""
    processes = TwoProcesses()
    yield processes
    processes.close()
