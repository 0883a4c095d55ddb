"""The state of a home in numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from lake.failures import Failures
from lake.model_versions import ModelVersions
from lake.planning import Plan
from lake.releases import Releases
from lake.schema import SEGMENTS, SPACES, VIDEOS
from lake.store import Lake
from settings import Home, Settings


def read_status(settings: Settings, home: Home) -> dict[str, Any]:
    """The contract of `status --json`. Loads no model.

    Raises:
        NoLake: Nothing has been ingested here.
        ReelindexError: A model that the settings name is not installed.
    """
    from orchestration.resources import build_resources
    from stages.overview import plan_all
    from stages.vectors import stage_name

    lake = Lake(home.lake, create=False)
    resources = build_resources(settings, home)
    scope = resources["lake"].scope(None, resources["progress"])
    models = resources["models"].open(resources["lake"])
    releases = Releases(lake)
    live = releases.find_live()
    plans = plan_all(scope, models, resources["media"].segmenter())
    versions: dict[str, Any] = {}
    for space in SPACES:
        for (stage, version), plan in plans.items():
            if stage == stage_name(space):
                versions[version] = _coverage(space, releases.state(version), plan)
    for model in ModelVersions(lake).all():
        if model.space and model.version not in versions:
            state = releases.state(model.version)
            versions[model.version] = {
                "space": model.space,
                "state": state,
                "done": None,
                "wanted": 0,
                "coverage": None,
            }
    return {
        "videos": lake.count(VIDEOS.name),
        "segments": lake.count(SEGMENTS.name),
        "live_release": live.release_id if live else None,
        "versions": versions,
        "missing": {stage: len(plan.todo) for (stage, _), plan in plans.items() if plan.todo},
        "quarantine": len(Failures(lake, max_attempts=settings.ingest.max_attempts).all(quarantined_only=True)),
        "last_run": _last_run(home),
    }


def _coverage(space: str, state: str, plan: Plan) -> dict[str, Any]:
    wanted = plan.current + len(plan.todo)
    share = plan.current / wanted if wanted else None
    return {"space": space, "state": state, "done": plan.current, "wanted": wanted, "coverage": share}


def _last_run(home: Home) -> dict[str, Any] | None:
    from orchestration.instance import open_instance

    with open_instance(home) as instance:
        records = instance.get_run_records(limit=1)
    if not records:
        return None
    record = records[0]
    started = datetime.fromtimestamp(record.start_time, UTC) if record.start_time else record.create_timestamp
    return {
        "run_id": record.dagster_run.run_id,
        "status": record.dagster_run.status.value,
        "started_at": started.isoformat(timespec="seconds"),
    }
