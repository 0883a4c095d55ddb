"""The runs that the coverage sensor asks for, each with a key by which it is asked for once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import dagster as dg

from assets.run_tags import DONE_TAG, tags_of
from orchestration.backfill.night import Grant, Spent, Window
from orchestration.jobs import BACKFILL, PROMOTION, bucket_range
from settings.model import BackfillSettings

if TYPE_CHECKING:
    from stages.backlog import Backlog

CHUNK_TAG = "reelindex/chunk"
ATTEMPT_TAG = "reelindex/attempt"
NIGHT_TAG = "reelindex/night"
LEFT_TAG = "reelindex/left"
STATE_TAG = "reelindex/state"

MAX_ATTEMPTS = 3
"""Runs that get nowhere with the same work, or crash over the same decision, before somebody has to look."""

NEW_VIDEOS_FIRST = {"dagster/priority": "-1", "dagster/max_retries": "0"}
"""A backfill waits behind an ingest; what is left of a failed run is asked for again by the sensor, not by a retry."""

ACTIVE = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def spent_tonight(instance: dg.DagsterInstance, settings: BackfillSettings, now: datetime) -> Spent:
    """What the backfill runs of the night that `now` belongs to have cost."""
    night = Window.parse(settings.window).night_of(now).isoformat()
    records = instance.get_run_records(dg.RunsFilter(job_name=BACKFILL, tags={NIGHT_TAG: night}))
    return Spent.sum(_spent(record, now) for record in records)


def _spent(record: dg.RunRecord, now: datetime) -> Spent:
    done = int(record.dagster_run.tags.get(DONE_TAG, 0))
    if record.start_time is None:
        return Spent(done)
    return Spent(done, ((record.end_time or now.timestamp()) - record.start_time) / 60)


def chunk_request(
    instance: dg.DagsterInstance, backlog: Backlog, granted: Grant, settings: BackfillSettings, now: datetime
) -> dg.RunRequest | str:
    """The run that does the next part of a backlog, or why it is not asked for again."""
    from stages.allowance import Allowance, Reach

    chunk = backlog.fingerprint[:16]
    attempts = instance.get_runs_count(dg.RunsFilter(tags={CHUNK_TAG: chunk}))
    if attempts >= MAX_ATTEMPTS:
        return (
            f"{attempts} runs have got nowhere with what is missing ({backlog.in_words()}): see the runs tagged "
            f"{CHUNK_TAG}={chunk}; `reelindex backfill` tries once more"
        )
    tags = {
        CHUNK_TAG: chunk,
        ATTEMPT_TAG: str(attempts + 1),
        NIGHT_TAG: Window.parse(settings.window).night_of(now).isoformat(),
        LEFT_TAG: str(backlog.count),
    }
    allowed = Allowance(granted.max_segments, granted.deadline)
    return dg.RunRequest(
        run_key=f"backfill:{chunk}:{attempts + 1}",
        job_name=BACKFILL,
        asset_selection=asset_keys(backlog.stages),
        tags={**tags, **tags_of(Reach.EVERYTHING, allowed), **NEW_VIDEOS_FIRST, **_range_of(backlog)},
    )


def release_request(instance: dg.DagsterInstance, state: str) -> dg.RunRequest | str:
    """The run that judges a covered candidate, or why it is not asked for again.

    Args:
        instance: Where earlier runs are.
        state: A fingerprint of all that the verdict depends on.
    """
    runs = instance.get_runs(dg.RunsFilter(tags={STATE_TAG: state}))
    if any(run.status is dg.DagsterRunStatus.SUCCESS for run in runs):
        return "it has been judged: see the asset `release`"
    if len(runs) >= MAX_ATTEMPTS:
        return f"{len(runs)} runs to judge it have crashed: see the runs tagged {STATE_TAG}={state}"
    return dg.RunRequest(
        run_key=f"release:{state}:{len(runs) + 1}",
        job_name=PROMOTION,
        tags={STATE_TAG: state, "dagster/max_retries": "0"},
    )


def asset_keys(stages: Sequence[str]) -> list[dg.AssetKey]:
    """The assets of some stages."""
    return [dg.AssetKey(stage) for stage in stages]


def _range_of(backlog: Backlog) -> dict[str, str]:
    from assets.partitions import BUCKETS

    digits = len(BUCKETS.get_partition_keys()[0])
    return bucket_range(backlog.partitions(digits))
