"""Schedules: what starts at a time of day."""

from __future__ import annotations

import dagster as dg

from orchestration.jobs import quality_job
from settings import Settings


def schedules(settings: Settings) -> list[dg.ScheduleDefinition]:
    """The daily examination, unless the settings say never."""
    if not settings.quality.daily_at_utc:
        return []
    hour, minute = settings.quality.daily_at_utc.split(":")
    return [
        dg.ScheduleDefinition(
            name="daily_quality",
            job=quality_job,
            cron_schedule=f"{int(minute)} {int(hour)} * * *",
            execution_timezone="UTC",
            default_status=dg.DefaultScheduleStatus.RUNNING,
            description="Examines the lake once a day, at `quality.daily_at_utc` of reelindex.toml.",
        )
    ]
