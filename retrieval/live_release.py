"""The live release, followed while other processes append to it."""

from __future__ import annotations

import threading

from lake.releases import Release, Releases
from lake.schema import RELEASES
from retrieval.warm_lake import WarmLake


class LiveRelease:
    """Reads the live release again only when the table of releases has changed: asking costs a look at its version."""

    def __init__(self, lake: WarmLake) -> None:
        self._lake = lake
        self._lock = threading.Lock()
        self._seen: tuple[int, Release] | None = None

    def current(self) -> Release:
        """The release that is live now.

        Raises:
            NoRelease: There is none yet.
        """
        with self._lock:
            # The version is read first: a release appended in between is read now, and once more the next time.
            version = self._lake.snapshot(RELEASES.name).version
            if self._seen is None or self._seen[0] != version:
                # A version that was dropped and made again since comes back with a release.
                self._lake.forget()
                self._seen = (version, Releases(self._lake).live())
            return self._seen[1]


class FixedRelease:
    """One release, whatever happens to others: to ask what it would answer, or did."""

    def __init__(self, release: Release) -> None:
        self._release = release

    def current(self) -> Release:
        """The release."""
        return self._release
