"""Captions: what the captioner says of each segment's keyframes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pyarrow as pa

from encoders.family import ModelSpec
from encoders.protocols import Caption, Captioner
from kernel.identity import fingerprint, video_id_of_segment
from lake.buckets import bucket_of
from lake.keyframes import SegmentPictures, read_keyframes
from lake.planning import Plan, have_table, wanted_table
from lake.schema import CAPTIONS, SEGMENTS
from stages.ahead import read_ahead
from stages.buffer import WriteBuffer
from stages.embedding import each_value
from stages.models import Models
from stages.orphans import remove_orphans
from stages.report import StageReport, Tally
from stages.scope import Scope
from stages.under_way import UnderWay, set_apart_what_kills

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
    """Captions what this run takes on from the keyframes in the lake; no video is opened."""
    spec = models.spec("captioner")
    plan = plan_captions(scope, spec)
    tally = Tally(STAGE, spec.version, plan)
    todo = scope.segments_to_do(plan)
    if todo:
        _caption(scope, models.captioner(), spec, todo, tally)
    tally.removed = remove_orphans(scope, CAPTIONS.name, plan, tally)
    tally.work.update(models.work_since_last_asked(spec))
    return tally.report()


def _caption(scope: Scope, captioner: Captioner, spec: ModelSpec, todo: Sequence[str], tally: Tally) -> None:
    def compute(batch: Sequence[SegmentPictures]) -> Sequence[Caption]:
        return captioner.caption_segments([segment.jpegs for segment in batch])

    under_way = UnderWay(scope.lake, STAGE, spec.version)
    together, alone = set_apart_what_kills(scope, under_way, todo, STAGE, spec.version, tally)
    with (
        scope.progress.task("captioning", len(todo), "segments") as advance,
        WriteBuffer(partial(_write, scope, spec), max_weight=CAPTIONS_PER_WRITE) as buffer,
        read_ahead(_batches(scope, together, alone)) as batches,
    ):
        for batch in batches:
            if scope.allowance.is_over():
                break
            with under_way.batch([segment.segment_id for segment in batch]):
                made = list(each_value(batch, compute))
            for segment, caption in made:
                if isinstance(caption, Exception):
                    video_id = video_id_of_segment(segment.segment_id)
                    tally.failed(scope.fail(STAGE, segment.segment_id, video_id, spec.version, caption))
                    continue
                buffer.add(_row(segment, caption, spec.version))
                tally.succeeded(segment.segment_id)
                tally.work["segments_captioned"] += 1
            tally.demand_some_success()
            advance(len(batch))


def _batches(scope: Scope, together: Sequence[str], alone: Sequence[str]) -> Iterator[list[SegmentPictures]]:
    yield from read_keyframes(scope.lake, together, scope.buckets, batch_segments=SEGMENTS_PER_BATCH)
    yield from read_keyframes(scope.lake, alone, scope.buckets, batch_segments=1)


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
