"""Segments: one decode of each video cuts it into shots and keeps the pictures that stand for them."""

from __future__ import annotations

from functools import partial
from typing import Any

import pyarrow as pa

from kernel.identity import segment_id_of
from lake.buckets import bucket_of
from lake.files import first_uris
from lake.keyframes import keyframes_fingerprint
from lake.planning import Plan, have_table, wanted_table
from lake.schema import DECODES, KEYFRAMES, SEGMENTS, VIDEOS
from media.shots import DecodedVideo, Shot
from media.spec import SegmenterSpec
from media.workers import MediaWorkers
from stages.buffer import WriteBuffer
from stages.decoding import each_located
from stages.report import StageReport, Tally
from stages.scope import Scope

STAGE = "segments"
KEYFRAMES_PER_WRITE = 500

Decoded = tuple[str, DecodedVideo]


def plan_segments(scope: Scope, spec: SegmenterSpec) -> Plan:
    """Every video should have been decoded by this segmenter."""
    videos = scope.lake.read(VIDEOS.name, ["video_id"], scope.buckets.where)["video_id"]
    decodes = scope.lake.read(DECODES.name, ["video_id", "version"], scope.buckets.where)
    have = have_table(decodes["video_id"], decodes["video_id"], decodes["version"])
    return scope.plan(STAGE, spec.version, wanted_table(videos, videos), have)


def cut_segments(scope: Scope, workers: MediaWorkers, spec: SegmenterSpec) -> StageReport:
    """Decodes what is new or was cut by another segmenter, and writes segments and keyframes video by video."""
    plan = plan_segments(scope, spec)
    tally = Tally(STAGE, spec.version, plan)
    # Decodes last: as long as there is one, an interrupted removal is planned again.
    for table in (KEYFRAMES, SEGMENTS, DECODES):
        scope.lake.delete(table.name, "video_id", plan.orphaned)
    tally.removed = len(plan.orphaned)
    todo = scope.videos_to_do(plan)
    with (
        scope.progress.task("cutting into segments", len(todo), "videos") as advance,
        WriteBuffer(partial(_write, scope, spec), max_weight=KEYFRAMES_PER_WRITE, weigh=_keyframe_count) as buffer,
    ):
        decode_all = partial(workers.decode_all, spec=spec)
        for video_id, decoded in each_located(scope, STAGE, spec.version, todo, tally, decode_all):
            buffer.add((video_id, decoded))
            tally.succeeded(video_id)
            tally.work["videos_decoded"] += 1
            tally.work["frames_decoded"] += decoded.frames_decoded
            tally.work["decode_errors"] += decoded.decode_errors
            tally.work["frames_damaged"] += decoded.frames_damaged
            if decoded.decode_errors or decoded.frames_damaged:
                tally.warnings.append(_damage(scope, video_id, decoded))
            advance(1)
    return tally.report()


def _damage(scope: Scope, video_id: str, decoded: DecodedVideo) -> str:
    place = first_uris(scope.lake, [video_id]).get(video_id, video_id)
    return (
        f"{place}: damaged: of {decoded.frames_decoded} frames {decoded.frames_damaged} were repaired by guessing, "
        f"and {decoded.decode_errors} packets gave none."
    )


def _keyframe_count(decoded: Decoded) -> float:
    return sum(len(shot.keyframes) for shot in decoded[1].segments)


def _write(scope: Scope, spec: SegmenterSpec, batch: list[Decoded]) -> None:
    video_ids = [video_id for video_id, _ in batch]
    shots = [(video_id, shot) for video_id, decoded in batch for shot in decoded.segments]
    keyframes = [row for video_id, shot in shots for row in _keyframe_rows(video_id, shot)]
    segments = [_segment_row(video_id, shot, spec.version) for video_id, shot in shots]
    # The order is the promise: whoever finds a decode finds its segments, whoever finds a segment finds its pictures.
    scope.lake.replace(KEYFRAMES, pa.Table.from_pylist(keyframes, KEYFRAMES.schema), video_ids=video_ids)
    scope.lake.replace(SEGMENTS, segments, video_ids=video_ids)
    scope.lake.upsert(DECODES, [_decode_row(video_id, decoded, spec.version) for video_id, decoded in batch])
    scope.failures.clear(STAGE, video_ids, spec.version)


def _segment_row(video_id: str, shot: Shot, version: str) -> dict[str, Any]:
    return {
        "segment_id": segment_id_of(video_id, shot.start_ms, shot.end_ms),
        "video_id": video_id,
        "bucket": bucket_of(video_id),
        "start_ms": shot.start_ms,
        "end_ms": shot.end_ms,
        "version": version,
        "keyframes_fp": keyframes_fingerprint([keyframe.digest for keyframe in shot.keyframes]),
    }


def _keyframe_rows(video_id: str, shot: Shot) -> list[dict[str, Any]]:
    segment_id = segment_id_of(video_id, shot.start_ms, shot.end_ms)
    return [
        {
            "keyframe_id": f"{segment_id}-{position:02d}",
            "segment_id": segment_id,
            "video_id": video_id,
            "bucket": bucket_of(video_id),
            "pts_ms": keyframe.pts_ms,
            "width": keyframe.width,
            "height": keyframe.height,
            "digest": keyframe.digest,
            "jpeg": keyframe.jpeg,
        }
        for position, keyframe in enumerate(shot.keyframes)
    ]


def _decode_row(video_id: str, decoded: DecodedVideo, version: str) -> dict[str, Any]:
    return {
        "video_id": video_id,
        "bucket": bucket_of(video_id),
        "version": version,
        "duration_ms": decoded.duration_ms,
        "frames": decoded.frames_decoded,
        "decode_errors": decoded.decode_errors,
        "frames_damaged": decoded.frames_damaged,
        "segments": len(decoded.segments),
    }
