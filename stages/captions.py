"""Captions: what the captioner says of each segment's keyframes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pyarrow as pa

from encoders.family import ModelSpec
from encoders.protocols import Caption, Captioner
from kernel.identity import fingerprint
from lake.buckets import bucket_of
from lake.keyframes import SegmentPictures, read_keyframes
from lake.planning import Plan, have_table, wanted_table
from lake.schema import CAPTIONS, SEGMENTS
from stages.buffer import WriteBuffer
from stages.embedding import each_value
from stages.models import Models
from stages.report import StageReport, Tally
from stages.scope import Scope
from stages.segments import video_id_of_segment

STAGE = "captions"
SEGMENTS_PER_BATCH = 64
CAPTIONS_PER_WRITE = 1000


def plan_captions(scope: Scope, spec: ModelSpec) -> Plan:
    """Every segment should have been captioned by this captioner from the keyframes that it has now."""
    segments = scope.lake.read(SEGMENTS.name, ["segment_id", "keyframes_fp"], scope.buckets.where)
    there = scope.lake.read(CAPTIONS.name, ["segment_id", "input_fp", "version"], scope.buckets.where)
    have = have_table(there["segment_id"], there["input_fp"], there["version"])
    return scope.plan(STAGE, spec.version, wanted_table(segments["segment_id"], segments["keyframes_fp"]), have)


def caption_segments(scope: Scope, models: Models) -> StageReport:
    """Captions what is new or stale from the keyframes in the lake; no video is opened."""
    spec = models.spec("captioner")
    plan = plan_captions(scope, spec)
    tally = Tally(STAGE, spec.version, plan)
    scope.lake.delete(CAPTIONS.name, "segment_id", plan.orphaned)
    if plan.todo:
        _caption(scope, models.captioner(), spec, plan, tally)
    tally.work.update(models.work_since_last_asked(spec))
    return tally.report()


def _caption(scope: Scope, captioner: Captioner, spec: ModelSpec, plan: Plan, tally: Tally) -> None:
    def compute(batch: Sequence[SegmentPictures]) -> Sequence[Caption]:
        return captioner.caption_segments([segment.jpegs for segment in batch])

    with (
        scope.progress.task("captioning", len(plan.todo), "segments") as advance,
        WriteBuffer(partial(_write, scope, spec), max_weight=CAPTIONS_PER_WRITE) as buffer,
    ):
        for batch in read_keyframes(scope.lake, plan.todo, scope.buckets, batch_segments=SEGMENTS_PER_BATCH):
            for segment, caption in each_value(batch, compute):
                if isinstance(caption, Exception):
                    video_id = video_id_of_segment(segment.segment_id)
                    tally.failed(scope.fail(STAGE, segment.segment_id, video_id, spec.version, caption))
                    continue
                buffer.add(_row(segment, caption, spec.version))
                tally.succeeded(segment.segment_id)
                tally.work["segments_captioned"] += 1
            advance(len(batch))


def _write(scope: Scope, spec: ModelSpec, rows: list[dict[str, Any]]) -> None:
    scope.lake.upsert(CAPTIONS, pa.Table.from_pylist(rows, CAPTIONS.schema))
    scope.failures.clear(STAGE, [row["segment_id"] for row in rows], spec.version)


def _row(segment: SegmentPictures, caption: Caption, version: str) -> dict[str, Any]:
    video_id = video_id_of_segment(segment.segment_id)
    return {
        "segment_id": segment.segment_id,
        "video_id": video_id,
        "bucket": bucket_of(video_id),
        "text": caption.text,
        "labels": [{"name": label.name, "score": label.score} for label in caption.labels],
        "version": version,
        "input_fp": segment.fingerprint,
        "output_fp": fingerprint([caption.text]),
    }
