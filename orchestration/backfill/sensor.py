"""The coverage sensor: the engine of record behind every change of a model."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import dagster as dg

from assets.resources import LakeResource
from orchestration.backfill.night import grant
from orchestration.backfill.requests import ACTIVE, chunk_request, release_request, spent_tonight
from orchestration.interrupted import close_interrupted_runs
from orchestration.jobs import BACKFILL, INGEST, PROMOTION, backfill_job, promotion_job
from settings import Settings, load_settings


@dg.sensor(
    jobs=[backfill_job, promotion_job],
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Compares what the settings want with what the lake holds. Starts backfill runs, chunk by chunk, while "
        "something is missing, and a release run when a candidate has everything. "
        "A tick that requests nothing says why."
    ),
)
def coverage(context: dg.SensorEvaluationContext, lake: LakeResource) -> dg.SensorResult | dg.SkipReason:
    """Starts what is missing, and nothing twice."""
    # Read at every tick: the settings may have changed since this process started.
    settings = load_settings()
    close_interrupted_runs(context.instance)
    from orchestration.backfill.standing import read_standing, state_of_lake

    before = state_of_lake(lake, settings)
    if context.cursor == before:
        return dg.SkipReason("nothing is missing, and nothing has changed since")
    standing = read_standing(lake, settings)
    if standing.first_release_missing:
        return dg.SkipReason("there is no release yet: the first ingest makes it")
    requests: list[dg.RunRequest] = []
    reasons: list[str] = []
    for asked in _wanted(context.instance, settings, standing):
        (requests if isinstance(asked, dg.RunRequest) else reasons).append(asked)  # type: ignore[arg-type]
    if requests:
        return dg.SensorResult(run_requests=requests)
    if standing.is_complete:
        context.update_cursor(before)
    return dg.SkipReason("; ".join(reasons) or "nothing is missing")


def _wanted(instance: dg.DagsterInstance, settings: Settings, standing: Any) -> Iterator[dg.RunRequest | str]:
    """The runs to ask for, and the reasons why others are not asked for."""
    for space, version in standing.unwanted:
        yield f"{version} ({space}) was rolled back: `reelindex promote {space}` takes it into use again"
    if standing.covered:
        names = ", ".join(version for _, version in standing.covered)
        asked = (
            "a release run is under way" if _active(instance, PROMOTION) else release_request(instance, standing.state)
        )
        yield asked if isinstance(asked, dg.RunRequest) else f"{names} has every vector; {asked}"
    if not standing.backlog.is_empty:
        yield _chunk(instance, settings, standing)


def _chunk(instance: dg.DagsterInstance, settings: Settings, standing: Any) -> dg.RunRequest | str:
    missing = standing.backlog.in_words()
    if not settings.backfill.automatic:
        return f"missing: {missing}; `backfill.automatic` is off: `reelindex backfill` does it"
    if _active(instance, BACKFILL):
        return f"missing: {missing}; a backfill run is under way"
    if _active(instance, INGEST):
        return f"missing: {missing}; an ingest run is under way and goes first"
    now = datetime.now().astimezone()
    granted = grant(settings.backfill, spent_tonight(instance, settings.backfill, now), now)
    if isinstance(granted, str):
        return f"missing: {missing}; {granted}"
    return chunk_request(instance, standing.backlog, granted, settings.backfill, now)


def _active(instance: dg.DagsterInstance, job: str) -> int:
    return instance.get_runs_count(dg.RunsFilter(job_name=job, statuses=ACTIVE))
