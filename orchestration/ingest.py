"""Ingest from a terminal: the same assets as in the web UI, run in this process against the same instance."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from kernel.errors import ReelindexError
from kernel.progress import Progress
from lake.failures import Failures
from lake.schema import SEGMENTS
from lake.store import Lake
from settings import Home, Settings

if TYPE_CHECKING:
    from encoders.family import Role
    from stages.overview import Plans
    from stages.scope import Scope


class RunFailed(ReelindexError):
    """The Dagster run stopped with an error."""


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
    """

    run_id: str | None
    reports: tuple[dict[str, Any], ...]
    release_id: int | None = None
    release_reason: str = ""
    unreadable: tuple[str, ...] = ()
    duration_s: float = 0.0
    quarantined: int = 0
    ignored: dict[str, int] = field(default_factory=dict)

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
            "failures": [*self.failures, *({"uri": text, "message": text} for text in self.unreadable)],
        }


def ingest(paths: Sequence[Path], settings: Settings, home: Home, progress: Progress) -> IngestOutcome:
    """Brings the lake up to date with the files under some paths.

    Where names, sizes and times of the files say that nothing changed and no stage has work left, it ends there: no run
    is started and no model loaded.

    Raises:
        RunFailed: The run stopped with an error.
        ReelindexError: A path does not exist, or a model that the settings name is not installed.
    """
    began = time.monotonic()
    _demand_sources(paths, settings)
    partitions = _partitions_with_work(paths, settings, home, progress)
    if not partitions:
        return _nothing_to_do(paths, settings, home, began)
    return _run(paths, settings, home, progress, partitions, began)


def _demand_sources(paths: Sequence[Path], settings: Settings) -> None:
    """A path that is not there, or a model that is not installed, is an error before anything is made or decoded."""
    from encoders.registry import resolve
    from media.discover import discover

    discover(paths)
    for role, reference in settings.models.references().items():
        resolve(cast("Role", role), reference)


def _partitions_with_work(paths: Sequence[Path], settings: Settings, home: Home, progress: Progress) -> list[str]:
    """The partitions that a run has something to do in; all of them until there is a release.

    So the first run shows every partition as done, and a later one costs only the events of those that it touches.
    """
    from assets.partitions import BUCKETS
    from lake.releases import Releases
    from stages.files import compare, scan

    lake = Lake(home.lake)
    changed = not compare(lake, paths).is_empty
    if Releases(lake).find_live() is None and (changed or lake.count(SEGMENTS.name)):
        return list(BUCKETS.get_partition_keys())
    if changed:
        # The bytes are read now: what a file holds decides the partition that it is in.
        scan(_scope(settings, home, progress), paths)
    digits = settings.ingest.bucket_digits
    plans = _plans(settings, home).values()
    return sorted({subject[:digits] for plan in plans for subject in (*plan.todo, *plan.orphaned)})


def _nothing_to_do(paths: Sequence[Path], settings: Settings, home: Home, began: float) -> IngestOutcome:
    from stages.files import compare
    from stages.report import StageReport

    changes = compare(Lake(home.lake), paths)
    plans = _plans(settings, home)
    reports = [StageReport(stage, version, skipped=plan.current) for (stage, version), plan in plans.items()]
    return IngestOutcome(
        None,
        tuple(report.to_dict() for report in reports),
        unreadable=changes.unreadable,
        ignored=changes.ignored,
        duration_s=time.monotonic() - began,
        **_standing(settings, home),
    )


def _plans(settings: Settings, home: Home) -> Plans:
    from orchestration.resources import build_resources
    from stages.overview import plan_all

    resources = build_resources(settings, home)
    models = resources["models"].open(resources["lake"])
    return plan_all(resources["lake"].scope(None, resources["progress"]), models, resources["media"].segmenter())


def _scope(settings: Settings, home: Home, progress: Progress) -> Scope:
    from stages.scope import Scope

    lake = Lake(home.lake)
    return Scope(lake, Failures(lake, max_attempts=settings.ingest.max_attempts), progress=progress)


def _run(
    paths: Sequence[Path], settings: Settings, home: Home, progress: Progress, partitions: Sequence[str], began: float
) -> IngestOutcome:
    from orchestration.definitions import build_definitions
    from orchestration.instance import open_instance
    from orchestration.interrupted import close_interrupted_runs, process_tags
    from orchestration.jobs import INGEST, bucket_range

    job = build_definitions(settings, home, progress).resolve_job_def(INGEST)
    with open_instance(home) as instance:
        close_interrupted_runs(instance)
        result = job.execute_in_process(
            instance=instance,
            run_config={
                "ops": {"videos": {"config": {"paths": [str(path.absolute()) for path in paths]}}},
                # The terminal shows progress; the run's own log is in the web UI.
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
            tags={**bucket_range(partitions), **process_tags()},
            raise_on_error=False,
        )
        if not result.success:
            raise _failure(result)
        shown = _shown(result)
    standing = _standing(settings, home)
    if standing["release_id"] is None:
        standing["release_reason"] = shown["release"]["decision"].value
    return IngestOutcome(
        result.run_id,
        tuple(report for metadata in shown.values() if "report" in metadata for report in metadata["report"].value),
        unreadable=tuple(shown["videos"]["files_unreadable"].value),
        ignored=dict(shown["videos"]["files_ignored"].value),
        duration_s=time.monotonic() - began,
        **standing,
    )


def _shown(result: Any) -> dict[str, Mapping[str, Any]]:
    """What every asset recorded, by its name and in the order of the stages; each partition's event says the same."""
    events = result.get_asset_materialization_events()
    return {event.asset_key.to_user_string(): event.materialization.metadata for event in events}


def _standing(settings: Settings, home: Home) -> dict[str, Any]:
    from lake.releases import Releases

    lake = Lake(home.lake)
    live = Releases(lake).find_live()
    return {
        "release_id": live.release_id if live else None,
        "release_reason": live.reason if live else "there is nothing to release yet",
        "quarantined": len(Failures(lake, max_attempts=settings.ingest.max_attempts).all(quarantined_only=True)),
    }


def _failure(result: Any) -> ReelindexError:
    import dagster as dg

    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            cause = error.cause or error
            if cause.cls_name == dg.DagsterExecutionInterruptedError.__name__:
                return RunFailed("interrupted.", where=event.step_key, remedy="What was finished is kept.")
            what = cause.message.strip().splitlines()[0]
            return RunFailed(
                f"the stage stopped: {what}",
                where=event.step_key,
                remedy="What was finished is kept; see `reelindex ui`.",
            )
    return RunFailed("the run stopped.", where=result.run_id, remedy="See `reelindex ui`.")
