"""A backfill from a terminal: everything that is missing, now, in this process, and the release after it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kernel.progress import Progress
from lake.releases import Releases
from orchestration.backfill.requests import STATE_TAG
from orchestration.in_terminal import Finished, run_here
from orchestration.jobs import BACKFILL, PROMOTION, bucket_range
from settings import Home, Settings
from stages.backlog import Backlog


@dataclass(frozen=True, slots=True)
class BackfillOutcome:
    """What a backfill did.

    Attributes:
        run_ids: The Dagster runs: the backfill's and the release's, none where nothing was missing.
        reports: One report a stage and version, as plain values.
        missing: What is left to do, in words; empty when everything is there.
        release_id: The release that search reads now.
        decision: What was decided about a candidate, and why.
        duration_s: From the call to the end.
    """

    run_ids: tuple[str, ...]
    reports: tuple[dict[str, Any], ...]
    missing: str
    release_id: int
    decision: str
    duration_s: float

    @property
    def failures(self) -> list[dict[str, Any]]:
        """What could not be done, with reasons."""
        return [failure | {"stage": report["stage"]} for report in self.reports for failure in report["failures"]]

    def to_dict(self) -> dict[str, Any]:
        """The contract of `backfill --json`."""
        return {
            "run_ids": list(self.run_ids),
            "release": self.release_id,
            "decision": self.decision,
            "missing": self.missing,
            "duration_s": round(self.duration_s, 3),
            "stages": list(self.reports),
            "failures": self.failures,
        }


def backfill(
    settings: Settings,
    home: Home,
    progress: Progress,
    *,
    max_segments: int | None = None,
    max_minutes: float | None = None,
) -> BackfillOutcome:
    """Does what is missing, the most wanted first, and has a candidate judged that has everything afterwards.

    Windows and budgets are for the daemon: whoever types this wants it now.

    Args:
        settings: What is wanted.
        home: Where.
        progress: Shows how far it is.
        max_segments: Subjects that each stage takes on at most.
        max_minutes: After so long no further batch is begun.

    Raises:
        NoLake: Nothing has been ingested here.
        NoRelease: The first ingest is not finished.
        RunFailed: A run stopped with an error.
    """
    from assets.resources import LakeResource
    from lake.store import Lake
    from orchestration.backfill.standing import read_standing

    began = time.monotonic()
    Releases(Lake(home.lake, create=False)).live()
    lake = LakeResource(home=str(home.folder), max_attempts=settings.ingest.max_attempts)
    run_ids: list[str] = []
    reports: Sequence[dict[str, Any]] = ()
    standing = read_standing(lake, settings)
    if not standing.backlog.is_empty:
        run = _fill(standing.backlog, settings, home, progress, max_segments, max_minutes)
        run_ids.append(run.run_id)
        reports = run.reports
        standing = read_standing(lake, settings)
    decision = ""
    if standing.covered:
        judged = run_here(PROMOTION, settings, home, progress, tags={STATE_TAG: standing.state})
        run_ids.append(judged.run_id)
        decision = str(judged.shown["release"]["decision"].value)
        standing = read_standing(lake, settings)
    return BackfillOutcome(
        run_ids=tuple(run_ids),
        reports=tuple(reports),
        missing=standing.backlog.in_words(),
        release_id=Releases(lake.open()).live().release_id,
        decision=decision,
        duration_s=time.monotonic() - began,
    )


def _fill(
    backlog: Backlog, settings: Settings, home: Home, progress: Progress, segments: int | None, minutes: float | None
) -> Finished:
    from assets.run_tags import tags_of
    from stages.allowance import Allowance, Reach

    deadline = None if minutes is None else time.time() + 60 * minutes
    tags = tags_of(Reach.EVERYTHING, Allowance(segments, deadline))
    partitions = backlog.partitions(settings.ingest.bucket_digits)
    return run_here(
        BACKFILL, settings, home, progress, tags={**bucket_range(partitions), **tags}, assets=backlog.stages
    )
