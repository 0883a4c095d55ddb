"""A lake for a process that reads all the time: tables stay open, and what was read of their indexes is kept."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from lake.store import Lake

if TYPE_CHECKING:
    import lance


class WarmLake(Lake):
    """An existing lake whose snapshots share their caches with the snapshots before them.

    A snapshot is as new as that of any lake: the version on disk is looked at every time. Opening a table afresh costs
    a read of its manifest and of its indexes, which is more than most searches.
    """

    def __init__(self, folder: Path) -> None:
        """Opens the lake at `folder`.

        Raises:
            NoLake: There is none.
        """
        super().__init__(folder, create=False)
        self._lock = threading.Lock()
        self._open: dict[str, lance.LanceDataset] = {}

    def snapshot(self, name: str) -> lance.LanceDataset:
        """A table as it is now; later writes do not show in it.

        Raises:
            LakeError: There is no such table.
        """
        with self._lock:
            known = self._open.get(name)
        if known is None:
            known = super().snapshot(name)
        else:
            latest = known.latest_version
            known = known if latest == known.version else known.checkout_version(latest)
        with self._lock:
            self._open[name] = known
        return known

    def forget(self) -> None:
        """Closes every table: a table that was dropped and made again under its old name is another table."""
        with self._lock:
            self._open.clear()
            self._tables.clear()
