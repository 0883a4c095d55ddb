"""What can go wrong between reelindex and its tables."""

from __future__ import annotations

from kernel.errors import ReelindexError


class LakeError(ReelindexError):
    """The tables could not be opened, read or written."""


class NoLake(LakeError):
    """There is no lake at the place that was named."""


class NoRelease(LakeError):
    """The corpus cannot be searched yet: nothing has been released."""


class ReleaseRaced(LakeError):
    """Another process appended a release in the same moment."""

    transient = True


class BadQuery(LakeError):
    """An SQL statement that DuckDB refused."""
