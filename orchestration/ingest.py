"""Ingest from a terminal: the same assets as in the web UI, run in this process against the same instance."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from kernel.progress import Progress
from lake.failures import Failures
from lake.schema import SEGMENTS
from lake.store import Lake
from orchestration.in_terminal import Checked, run_here
from settings import Home, Settings

if TYPE_CHECKING:
    from encoders.family import Role
    from stages.files import FileChanges
    from stages.overview import Plans


@dataclass(frozen=True, slots=True)
class IngestOutcome:
    """What an ingest did.

    Attributes:
        run_id: The Dagster run, None where there was nothing to run.
        reports: One report a stage and version, as plain values, in the order of the stages.
        release_id: The release that search reads now, None before the first.
        release_reason: Why it is that one, or why there is none.
        unreadable: Files that could not be looked at.
        duration_s: From the call to the end.
        left: What a changed model left stale, in words: the work of a backfill; empty where there is none.
        checks: What the checks of the tables, and the gates, found.
    """

    run_id: str | None
    reports: tuple[dict[str, Any], ...]
    release_id: int | None = None
    release_reason: str = ""
    unreadable: tuple[str, ...] = ()
    duration_s: float = 0.0
    quarantined: int = 0
    left: str = ""
    ignored: dict[str, int] = field(default_factory=dict)
    checks: tuple[Checked, ...] = ()

    @property
    def failures(self) -> list[dict[str, Any]]:
        """What could not be done in this run, with reasons."""
        return [failure | {"stage": report["stage"]} for report in self.reports for failure in report["failures"]]

    def to_dict(self) -> dict[str, Any]:
        """The contract of `ingest --json`."""
        work: dict[str, Any] = {}
        vectors: dict[str, int] = {}
        for report in self.reports:
            for name, amount in report["work"].items():
                if name == "vectors":
                    vectors[report["version"]] = int(amount)
                else:
                    work[name] = work.get(name, 0) + amount
        return {
            "run_id": self.run_id,
            "release": self.release_id,
            "duration_s": round(self.duration_s, 3),
            "stages": list(self.reports),
            "work": work | {"vectors": vectors},
            "quarantine": self.quarantined,
            "ignored": self.ignored,
            "left_to_backfill": self.left,
            "checks": [asdict(check) for check in self.checks],
            "failures": [*self.failures, *({"uri": text, "message": text} for text in self.unreadable)],
        }


def ingest(paths: Sequence[Path], settings: Settings, home: Home, progress: Progress) -> IngestOutcome:
    """Takes in the files under some paths that are new or changed.

    Where names, sizes and times of the files say that nothing changed and no stage lacks a value, it ends there: no run
    is started and no model loaded. Once there is a release, values that another model made before are left as they are:
    making them again is the work of a backfill.

    Raises:
        RunFailed: The run stopped with an error.
        ReelindexError: A path does not exist, or a model that the settings name is not installed.
    """
    began = time.monotonic()
    _demand_sources(paths, settings)
    work = _look(paths, settings, home, progress)
    if not work.partitions:
        return _nothing_to_do(work, settings, home, began)
    return _run(paths, settings, home, progress, work, began)


@dataclass(frozen=True, slots=True)
class _Work:
    """What an ingest has before it."""

    changes: FileChanges
    partitions: Sequence[str]
    plans: Plans
    released: bool


def _demand_sources(paths: Sequence[Path], settings: Settings) -> None:
    """A path that is not there, or a model that is not installed, is an error before anything is made or decoded."""
    from encoders.registry import resolve
    from media.discover import discover

    discover(paths)
    for role, reference in settings.models.references().items():
        resolve(cast("Role", role), reference)


def _look(paths: Sequence[Path], settings: Settings, home: Home, progress: Progress) -> _Work:
    """Finds the partitions that a run has something to do in; all of them until there is a release.

    So the first run shows every partition as done, and a later one costs only the events of those that it touches.
    """
    from assets.partitions import BUCKETS
    from lake.releases import Releases
    from orchestration.resources import build_resources
    from stages.files import compare, scan
    from stages.overview import plan_all, subjects_of_an_ingest

    resources = build_resources(settings, home)
    lake = resources["lake"].open()
    changes = compare(lake, paths)
    released = Releases(lake).find_live() is not None
    if not released and (not changes.is_empty or lake.count(SEGMENTS.name)):
        return _Work(changes, BUCKETS.get_partition_keys(), {}, released)
    if not changes.is_empty:
        # The bytes are read now: what a file holds decides the partition that it is in.
        scan(resources["lake"].scope(None, progress), paths)
    scope = resources["lake"].scope(None, progress)
    models = resources["models"].open(resources["lake"])
    plans = plan_all(scope, models, resources["media"].segmenter())
    subjects = subjects_of_an_ingest(plans, Releases(lake).find_live())
    digits = settings.ingest.bucket_digits
    return _Work(changes, sorted({subject[:digits] for subject in subjects}), plans, released)


def _nothing_to_do(work: _Work, settings: Settings, home: Home, began: float) -> IngestOutcome:
    from stages.backlog import Backlog
    from stages.report import StageReport

    reports = [StageReport(stage, version, skipped=plan.current) for (stage, version), plan in work.plans.items()]
    return IngestOutcome(
        None,
        tuple(report.to_dict() for report in reports),
        unreadable=work.changes.unreadable,
        ignored=work.changes.ignored,
        duration_s=time.monotonic() - began,
        left=Backlog.of(work.plans).in_words(),
        **_standing(settings, home),
    )


def _run(
    paths: Sequence[Path], settings: Settings, home: Home, progress: Progress, work: _Work, began: float
) -> IngestOutcome:
    from assets.run_tags import tags_of
    from orchestration.jobs import INGEST, bucket_range
    from stages.allowance import UNLIMITED, Reach

    reach = Reach.NEW if work.released else Reach.EVERYTHING
    run = run_here(
        INGEST,
        settings,
        home,
        progress,
        tags={**bucket_range(work.partitions), **tags_of(reach, UNLIMITED)},
        ops={"videos": {"config": {"paths": [str(path.absolute()) for path in paths]}}},
    )
    standing = _standing(settings, home)
    if standing["release_id"] is None:
        standing["release_reason"] = run.shown["release"]["decision"].value
    return IngestOutcome(
        run.run_id,
        run.reports,
        unreadable=tuple(run.shown["videos"]["files_unreadable"].value),
        ignored=dict(run.shown["videos"]["files_ignored"].value),
        duration_s=time.monotonic() - began,
        left=_left(run.reports),
        checks=run.checks,
        **standing,
    )


def _left(reports: Sequence[dict[str, Any]]) -> str:
    """What was planned, not done, and did not fail, in words."""
    counts = [(report, report["planned"] - report["done"] - report["failed"]) for report in reports]
    return ", ".join(f"{count:,} in {report['stage']} ({report['version']})" for report, count in counts if count > 0)


def _standing(settings: Settings, home: Home) -> dict[str, Any]:
    from lake.releases import Releases

    lake = Lake(home.lake)
    live = Releases(lake).find_live()
    return {
        "release_id": live.release_id if live else None,
        "release_reason": live.reason if live else "there is nothing to release yet",
        "quarantined": len(Failures(lake, max_attempts=settings.ingest.max_attempts).all(quarantined_only=True)),
    }
