"""Videos: what the container of each new file says of itself."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

import pyarrow as pa

from lake.buckets import bucket_of
from lake.planning import Plan, have_table, wanted_table
from lake.schema import FILES, VIDEOS
from lake.store import Lake, in_list
from media.probe import VideoFacts
from media.workers import MediaWorkers
from stages.buffer import WriteBuffer
from stages.decoding import each_located
from stages.report import StageReport, Tally
from stages.scope import Scope

STAGE = "videos"
VERSION = "container-1"
"""What is read from a container is not a model's work; it is read again only if this name changes."""

VIDEOS_PER_WRITE = 500


def plan_videos(scope: Scope) -> Plan:
    """Every content that a file is there for should have a row."""
    present = f"{scope.buckets.where} AND NOT missing"
    seen = scope.lake.read(FILES.name, ["video_id"], present).group_by("video_id").aggregate([])
    there = scope.lake.read(VIDEOS.name, ["video_id"], scope.buckets.where)["video_id"]
    versions = pa.array([VERSION] * len(there), pa.string())
    plan = scope.plan(
        STAGE, VERSION, wanted_table(seen["video_id"], seen["video_id"]), have_table(there, there, versions)
    )
    # A video is never removed because its files are gone: only on demand.
    return Plan(plan.new, plan.stale, (), plan.current)


def probe_videos(scope: Scope, workers: MediaWorkers) -> StageReport:
    """Reads the containers of new videos; those that are none go to quarantine with the reason."""
    plan = plan_videos(scope)
    tally = Tally(STAGE, VERSION, plan)
    sizes = _sizes(scope.lake, plan.todo)
    with (
        scope.progress.task("probing videos", len(plan.todo), "videos") as advance,
        WriteBuffer(partial(_write, scope), max_weight=VIDEOS_PER_WRITE) as buffer,
    ):
        for video_id, facts in each_located(scope, STAGE, VERSION, plan.todo, tally, workers.probe_all):
            buffer.add(_row(video_id, facts, sizes[video_id]))
            tally.succeeded(video_id)
            advance(1)
    return tally.report()


def _write(scope: Scope, rows: list[dict[str, Any]]) -> None:
    scope.lake.upsert(VIDEOS, rows)
    scope.failures.clear(STAGE, [row["video_id"] for row in rows], VERSION)


def _sizes(lake: Lake, video_ids: tuple[str, ...]) -> dict[str, int]:
    rows = lake.read(FILES.name, ["video_id", "size_bytes"], in_list("video_id", video_ids)).to_pylist()
    return {row["video_id"]: row["size_bytes"] for row in rows}


def _row(video_id: str, facts: VideoFacts, size_bytes: int) -> dict[str, Any]:
    return {
        "video_id": video_id,
        "bucket": bucket_of(video_id),
        "size_bytes": size_bytes,
        "container": facts.container,
        "video_codec": facts.video_codec,
        "audio_codec": facts.audio_codec,
        "width": facts.width,
        "height": facts.height,
        "rotation": facts.rotation,
        "fps": facts.fps,
        "promised_ms": facts.duration_ms,
        "has_audio": facts.has_audio,
        "first_seen_at": datetime.now(UTC),
    }
