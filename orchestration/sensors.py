"""Sensors: what starts a run without being asked."""

import hashlib

import dagster as dg

from assets.resources import LakeResource
from assets.run_tags import tags_of
from lake.schema import FILES
from orchestration.backfill.requests import ACTIVE
from orchestration.interrupted import close_interrupted_runs
from orchestration.jobs import all_buckets, ingest_job
from settings import load_settings


@dg.sensor(
    job=ingest_job,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Starts an ingest run when a folder that `ingest.watch` in reelindex.toml names has files that are new, "
        "changed, moved or gone. A tick that requests nothing says why."
    ),
)
def new_files(context: dg.SensorEvaluationContext, lake: LakeResource) -> dg.SensorResult | dg.SkipReason:
    """Starts an ingest run when a watched folder has files that are new, changed, moved or gone."""
    from lake.releases import Releases
    from stages.allowance import UNLIMITED, Reach
    from stages.files import compare

    watched = list(load_settings().ingest.watch)
    if not watched:
        return dg.SkipReason("no folder is watched: set `ingest.watch` in reelindex.toml")
    close_interrupted_runs(context.instance)
    running = context.instance.get_runs_count(dg.RunsFilter(job_name=ingest_job.name, statuses=ACTIVE))
    if running:
        return dg.SkipReason("an ingest run is under way")
    changes = compare(lake.open(), watched)
    if changes.is_empty:
        return dg.SkipReason(f"{changes.unchanged} files, none new or changed")
    # The key names these changes of this state: a repeated tick starts nothing twice, and a file that goes and comes
    # again is a change again.
    state = str(lake.open().table(FILES.name).version)
    names = [f"{file.path}:{file.size_bytes}:{file.mtime_ns}" for file in (*changes.to_read, *changes.returned)]
    key = hashlib.sha256("\n".join((state, *names, *changes.gone)).encode()).hexdigest()[:16]
    request = dg.RunRequest(
        run_key=key,
        run_config={"ops": {"videos": {"config": {"paths": [str(folder) for folder in watched]}}}},
        tags=all_buckets() | (tags_of(Reach.NEW, UNLIMITED) if Releases(lake.open()).find_live() else {}),
    )
    return dg.SensorResult(run_requests=[request])
