"""Versions that nobody searches any more: dropped with their vectors, so that their bytes are free at once."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from lake.errors import LakeError
from lake.model_versions import ModelVersions
from lake.releases import Releases
from lake.schema import FAILURES, SPACES, vectors_table_name
from lake.store import Lake, quote

DROPPING = ".dropping-"


@dataclass(frozen=True, slots=True)
class Dropped:
    """A version whose vectors are gone: how many there were, and the bytes of disk that are free again."""

    version: str
    rows: int
    freed_bytes: int


def drop_version(lake: Lake, version: str) -> Dropped:
    """Removes a version's vectors and what is written of its failures; that it once was stays in the registry.

    The table is moved aside in one step and then removed, its indexes with it: a drop that is killed leaves no half of
    a table, and the next one takes away what it left. A process that still writes to it gets an error, not a new table.
    A version that was dropped before is no error: nothing is freed.

    Raises:
        LakeError: The version is live, or no version of a space was registered here under this name.
    """
    registered = ModelVersions(lake).find(version)
    if registered is None or registered.space is None:
        raise LakeError(
            "no version of a space has this name, so there are no vectors to drop.",
            where=version,
            remedy="`reelindex models` lists the versions.",
        )
    _remove_leftovers(lake)
    name = vectors_table_name(registered.space, version)
    aside = f"{DROPPING}{name}"
    rows = lake.count(name) if lake.has_table(name) else 0
    size_bytes = version_bytes(lake, registered.space, version)
    # Asked last: what was a candidate a moment ago may be live by now.
    if Releases(lake).state(version) == "live":
        raise LakeError(
            "it is live: search reads it.",
            where=version,
            remedy="Promote another version (`reelindex promote`) or go back (`reelindex rollback`) first.",
        )
    lake.drop(name, aside=aside)
    lake.table(FAILURES.name).delete(f"version = {quote(version)}")
    return Dropped(version, rows, size_bytes - _size_of(lake.folder / aside))


def retire(lake: Lake, *, keep_retired: int, configured: Collection[str]) -> list[Dropped]:
    """Drops the versions of each space that were live before the last `keep_retired` of those that are not live now.

    A version that the settings name is kept, whatever it was: it is to be filled.
    """
    _remove_leftovers(lake)
    releases = Releases(lake).all()
    live = set(releases[-1].spaces.values()) if releases else set()
    dropped = []
    for space in SPACES:
        were_live = dict.fromkeys(one.spaces[space] for one in reversed(releases) if space in one.spaces)
        retired = [version for version in were_live if version not in live and version not in configured]
        for version in retired[keep_retired:]:
            if lake.has_table(vectors_table_name(space, version)):
                dropped.append(drop_version(lake, version))
    return dropped


def version_bytes(lake: Lake, space: str, version: str) -> int:
    """What a version's vectors take on disk with their indexes and former commits; 0 where there are none."""
    return _size_of(lake.folder / f"{vectors_table_name(space, version)}.lance")


def _remove_leftovers(lake: Lake) -> None:
    for left in lake.folder.glob(f"{DROPPING}*"):
        shutil.rmtree(left, ignore_errors=True)


def _size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
