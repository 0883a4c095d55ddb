"""The one folder that reelindex writes to."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

HOME_VARIABLE = "REELINDEX_HOME"
DEFAULT_HOME = ".reelindex"


@dataclass(frozen=True, slots=True)
class Home:
    """Where everything that reelindex writes lives."""

    folder: Path

    @classmethod
    def find(cls, named: Path | None = None) -> Home:
        """The folder that was named, else that of the environment, else `.reelindex` here."""
        return cls((named or Path(os.environ.get(HOME_VARIABLE) or DEFAULT_HOME)).expanduser().resolve())

    @property
    def lake(self) -> Path:
        """The LanceDB tables."""
        return self.folder / "lake"

    @property
    def dagster(self) -> Path:
        """The Dagster instance: runs, events, its configuration."""
        return self.folder / "dagster"

    @property
    def caches(self) -> Path:
        """What can be computed again at any time."""
        return self.folder / "caches"

    @property
    def explore(self) -> Path:
        """What was exported for other programs."""
        return self.folder / "explore"

    @property
    def adapters(self) -> Path:
        """The heads that were trained here: the weights of versions, never overwritten."""
        return self.folder / "adapters"

    @property
    def training(self) -> Path:
        """The pairs that were gathered last, and the state of interrupted trainings."""
        return self.folder / "training"

    @property
    def reports(self) -> Path:
        """Pages for people: Data Docs and drift reports. `reelindex ui` shows them."""
        return self.folder / "reports"

    @property
    def scratch(self) -> Path:
        """Temporary files of running work."""
        return self.folder / "scratch"
