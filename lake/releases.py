"""Releases: which version of every space is searched, and how the answers are fused. Append only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from lake.errors import NoRelease, ReleaseRaced
from lake.schema import RELEASES, vectors_table_name
from lake.store import Lake

State = Literal["candidate", "live", "retired", "dropped"]
Kind = Literal["first", "promotion", "rollback"]


@dataclass(frozen=True, slots=True)
class Release:
    """One row that search reads: everything needed to answer a query and to explain, later, why it was answered so.

    Attributes:
        release_id: 1, 2, 3 ...; the highest is live.
        kind: How it came about: the first one, a candidate that was promoted, or the way back.
        spaces: The live model version of every space.
        fusion: The weight of every leg in the fusion, and the constant `k` of reciprocal rank fusion.
        evidence: What each gate measured before the release was made, and what else explains it later.
        reason: Why it was made, for people.
        predecessor: The release that was live before, None for the first.
    """

    release_id: int
    kind: Kind
    spaces: Mapping[str, str]
    fusion: Mapping[str, float]
    evidence: Mapping[str, Any]
    reason: str
    predecessor: int | None
    created_at: datetime


class Releases:
    """The releases of one lake."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def all(self) -> list[Release]:
        """Every release, oldest first."""
        rows = self._lake.read(RELEASES.name, RELEASES.schema.names).to_pylist()
        return sorted((_release(row) for row in rows), key=lambda release: release.release_id)

    def find_live(self) -> Release | None:
        """The release that search reads, or None before the first."""
        releases = self.all()
        return releases[-1] if releases else None

    def live(self) -> Release:
        """The release that search reads.

        Raises:
            NoRelease: There is none yet.
        """
        release = self.find_live()
        if release is None:
            raise NoRelease(
                "nothing has been released yet, so there is nothing to search.",
                where=str(self._lake.folder),
                remedy="Run `reelindex ingest FOLDER`; `reelindex status` says what is missing.",
            )
        return release

    def state(self, version: str) -> State:
        """A version's state, derived from the releases it is in and from whether its vectors are there.

        So it cannot disagree with what is searched.
        """
        releases = self.all()
        if releases and version in releases[-1].spaces.values():
            return "live"
        spaces = [space for release in releases for space, one in release.spaces.items() if one == version]
        if not spaces:
            return "candidate"
        return "retired" if self._lake.has_table(vectors_table_name(spaces[0], version)) else "dropped"

    def rolled_back(self) -> set[str]:
        """The versions that a rollback took out of use and that nothing has brought back: people did not want them."""
        unwanted: set[str] = set()
        before: Release | None = None
        for release in self.all():
            if release.kind == "rollback" and before is not None:
                unwanted |= set(before.spaces.values())
            unwanted -= set(release.spaces.values())
            before = release
        return unwanted

    def append(
        self,
        *,
        kind: Kind,
        spaces: Mapping[str, str],
        fusion: Mapping[str, float],
        evidence: Mapping[str, Any],
        reason: str,
        after: Release | None,
    ) -> Release:
        """Makes a release that follows `after`, in one atomic step.

        Raises:
            ReleaseRaced: Another process has already made the release that follows `after`.
        """
        number = 1 if after is None else after.release_id + 1
        row = {
            "release_id": number,
            "kind": kind,
            "spaces_json": json.dumps(dict(spaces), sort_keys=True),
            "fusion_json": json.dumps(dict(fusion), sort_keys=True),
            "evidence_json": json.dumps(dict(evidence), sort_keys=True),
            "reason": reason,
            "predecessor": None if after is None else after.release_id,
            "created_at": datetime.now(UTC),
        }
        if not self._lake.insert_new(RELEASES, [row]):
            raise ReleaseRaced(
                f"release {number} was made by another process in the same moment.",
                where=str(self._lake.folder),
                remedy="Look at `reelindex status` before trying again.",
            )
        return _release(row)


def _release(row: dict[str, Any]) -> Release:
    return Release(
        release_id=row["release_id"],
        kind=row["kind"],
        spaces=json.loads(row["spaces_json"]),
        fusion=json.loads(row["fusion_json"]),
        evidence=json.loads(row["evidence_json"]),
        reason=row["reason"],
        predecessor=row["predecessor"],
        created_at=row["created_at"],
    )
