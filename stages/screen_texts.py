"""Screen texts: what can be read on each segment's keyframes. Only where the settings name a reader."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pyarrow as pa

from encoders.family import ModelSpec
from encoders.protocols import Reader
from kernel.identity import fingerprint, video_id_of_segment
from lake.buckets import bucket_of
from lake.keyframes import SegmentPictures, read_keyframes
from lake.planning import Plan, have_table, wanted_table
from lake.schema import SCREEN_TEXTS, SEGMENTS
from stages.ahead import read_ahead
from stages.buffer import WriteBuffer
from stages.embedding import each_value
from stages.models import Models
from stages.orphans import remove_orphans
from stages.report import StageReport, Tally
from stages.scope import Scope
from stages.under_way import UnderWay, set_apart_what_kills

STAGE = "screen_texts"
NO_READER = "none"
SEGMENTS_PER_BATCH = 16
TEXTS_PER_WRITE = 1000


def version_of_reader(spec: ModelSpec | None) -> str:
    """The version of a reader; `none` where the settings name none."""
    return spec.version if spec else NO_READER


def plan_screen_texts(scope: Scope, spec: ModelSpec | None) -> Plan:
    """Every segment should have been read by this reader from the keyframes that it has now.

    Where there is no reader, none should.
    """
    segments = scope.lake.read(SEGMENTS.name, ["segment_id", "keyframes_fp"], scope.buckets.where)
    there = scope.lake.read(SCREEN_TEXTS.name, ["segment_id", "input_fp", "version"], scope.buckets.where)
    have = have_table(there["segment_id"], there["input_fp"], there["version"])
    if spec is None:
        segments = segments.slice(0, 0)
    wanted = wanted_table(segments["segment_id"], segments["keyframes_fp"])
    return scope.plan(STAGE, version_of_reader(spec), wanted, have)


def read_screen_texts(scope: Scope, models: Models) -> StageReport:
    """Reads what this run takes on from the keyframes in the lake; no video is opened."""
    spec = models.spec("reader") if models.has("reader") else None
    plan = plan_screen_texts(scope, spec)
    tally = Tally(STAGE, version_of_reader(spec), plan)
    todo = scope.segments_to_do(plan)
    if spec is not None and todo:
        _read(scope, models.reader(), spec, todo, tally)
        tally.work.update(models.work_since_last_asked(spec))
    tally.removed = remove_orphans(scope, SCREEN_TEXTS.name, plan, tally)
    return tally.report()


def _read(scope: Scope, reader: Reader, spec: ModelSpec, todo: Sequence[str], tally: Tally) -> None:
    def compute(batch: Sequence[SegmentPictures]) -> Sequence[str]:
        return reader.read_segments([segment.jpegs for segment in batch])

    under_way = UnderWay(scope.lake, STAGE, spec.version)
    together, alone = set_apart_what_kills(scope, under_way, todo, STAGE, spec.version, tally)
    with (
        scope.progress.task("reading the screen", len(todo), "segments") as advance,
        WriteBuffer(partial(_write, scope, spec), max_weight=TEXTS_PER_WRITE) as buffer,
        read_ahead(_batches(scope, together, alone)) as batches,
    ):
        for batch in batches:
            if scope.allowance.is_over():
                break
            with under_way.batch([segment.segment_id for segment in batch]):
                made = list(each_value(batch, compute))
            for segment, text in made:
                if isinstance(text, Exception):
                    video_id = video_id_of_segment(segment.segment_id)
                    tally.failed(scope.fail(STAGE, segment.segment_id, video_id, spec.version, text))
                    continue
                buffer.add(_row(segment, text, spec.version))
                tally.succeeded(segment.segment_id)
                tally.work["segments_read"] += 1
            tally.demand_some_success()
            advance(len(batch))


def _batches(scope: Scope, together: Sequence[str], alone: Sequence[str]) -> Iterator[list[SegmentPictures]]:
    yield from read_keyframes(scope.lake, together, scope.buckets, batch_segments=SEGMENTS_PER_BATCH)
    yield from read_keyframes(scope.lake, alone, scope.buckets, batch_segments=1)


def _write(scope: Scope, spec: ModelSpec, rows: list[dict[str, Any]]) -> None:
    scope.lake.upsert(SCREEN_TEXTS, pa.Table.from_pylist(rows, SCREEN_TEXTS.schema))
    scope.failures.clear(STAGE, [row["segment_id"] for row in rows], spec.version)


def _row(segment: SegmentPictures, text: str, version: str) -> dict[str, Any]:
    video_id = video_id_of_segment(segment.segment_id)
    return {
        "segment_id": segment.segment_id,
        "video_id": video_id,
        "bucket": bucket_of(video_id),
        "text": text,
        "version": version,
        "input_fp": segment.fingerprint,
        "output_fp": fingerprint([text]),
    }
