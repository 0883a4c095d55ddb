"""Vectors: every segment in every wanted version of a space."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from encoders.family import ModelSpec
from kernel.errors import ReelindexError
from kernel.identity import fingerprint, times_of_segment, video_id_of_segment
from lake.buckets import bucket_of
from lake.keyframes import read_keyframes
from lake.planning import Plan, have_table, wanted_table
from lake.schema import DOCUMENTS, SEGMENTS, Space, TableSpec, vectors_table
from lake.store import in_list
from stages.ahead import read_ahead
from stages.allowance import Reach
from stages.buffer import WriteBuffer
from stages.documents import document_text
from stages.embedding import each_value
from stages.models import Models
from stages.orphans import remove_orphans
from stages.report import StageReport, Tally
from stages.scope import Scope
from stages.under_way import UnderWay, set_apart_what_kills

SEGMENTS_PER_BATCH: dict[Space, int] = {"visual": 64, "text": 1000}
VECTORS_PER_WRITE = 1000

Input = tuple[str, Any, str]
"""A segment, what the model is given of it, and the fingerprint of that."""


class VectorNotFinite(ReelindexError):
    """A model made a vector that has no direction: a NaN or an infinity is in it."""


class WrongDimension(ReelindexError):
    """A model made a vector of another length than its spec says."""


def stage_name(space: Space) -> str:
    """The name of a space's stage, in plans, reports and failures."""
    return f"{space}_vectors"


def table_of(spec: ModelSpec, space: Space) -> TableSpec:
    """The table that a version's vectors go to."""
    return vectors_table(space, spec.version, int(spec.dim))  # type: ignore[attr-defined]


def plan_vectors(scope: Scope, space: Space, spec: ModelSpec) -> Plan:
    """Every segment (visual) or every document with words (text) should have a vector made from what it is now."""
    table = table_of(spec, space)
    if scope.lake.has_table(table.name):
        there = scope.lake.read(table.name, ["segment_id", "input_fp"], scope.buckets.where)
    else:
        there = table.empty().select(["segment_id", "input_fp"])
    versions = pa.array([spec.version] * there.num_rows, pa.string())
    have = have_table(there["segment_id"], there["input_fp"], versions)
    return scope.plan(stage_name(space), spec.version, _wanted(scope, space), have)


def _wanted(scope: Scope, space: Space) -> pa.Table:
    if space == "visual":
        segments = scope.lake.read(SEGMENTS.name, ["segment_id", "keyframes_fp"], scope.buckets.where)
        return wanted_table(segments["segment_id"], segments["keyframes_fp"])
    documents = scope.lake.read(DOCUMENTS.name, ["segment_id", "output_fp"], scope.buckets.where)
    wordless = fingerprint([document_text("", "", "")])
    documents = documents.filter(pc.not_equal(documents["output_fp"], wordless))
    return wanted_table(documents["segment_id"], documents["output_fp"])


def embed_segments(scope: Scope, models: Models, space: Space) -> list[StageReport]:
    """Embeds what this run takes on in every wanted version of a space, one report a version.

    Pictures come from the lake: no video is opened. Batches cross videos. What an ingest brings is embedded in all
    versions; what only a candidate lacks is the work of a backfill.
    """
    specs = models.wanted(space)
    plans = {spec.version: plan_vectors(scope, space, spec) for spec in specs}
    # Everything that the live version lacks comes from new or changed segments: it is what an ingest is for.
    in_use = plans[specs[-1].version]
    reports = []
    for spec in specs:
        plan = plans[spec.version]
        wanted = set(in_use.todo) if scope.reach is Reach.NEW else None
        todo = [subject for subject in plan.todo if wanted is None or subject in wanted]
        reports.append(_embed_version(scope, models, space, spec, plan, scope.of_segments(todo)))
    return reports


def embed_again(
    scope: Scope, models: Models, space: Space, spec: ModelSpec, inputs: Mapping[str, str]
) -> Iterator[tuple[str, np.ndarray[Any, np.dtype[np.float32]]]]:
    """What a version makes of some segments now, as `(segment_id, vector)`; nothing is written.

    Args:
        scope: The lake.
        models: Where the model comes from.
        space: Of the version.
        spec: The version.
        inputs: Fingerprints of what the vectors were made from, by segment; one whose input is another now is left out.

    Raises:
        EncoderError: The model cannot be loaded, or is not what it was when the version was registered.
    """
    compute = _image_side(models, spec) if space == "visual" else _text_side(models, spec)
    for batch in _batches(scope, space, sorted(inputs), ()):
        same = [one for one in batch if one[2] == inputs[one[0]]]
        if same:
            yield from zip((segment_id for segment_id, _, _ in same), compute(same), strict=True)


def _embed_version(
    scope: Scope, models: Models, space: Space, spec: ModelSpec, plan: Plan, todo: Sequence[str]
) -> StageReport:
    tally = Tally(stage_name(space), spec.version, plan)
    table = table_of(spec, space)
    scope.lake.create(table)
    if todo:
        compute = _image_side(models, spec) if space == "visual" else _text_side(models, spec)
        _embed(scope, space, spec, todo, tally, compute)
    # Last, and only of videos that are complete: search finds the segments of a former cut until the new ones are here.
    tally.removed = remove_orphans(scope, table.name, plan, tally)
    tally.work.update(models.work_since_last_asked(spec))
    return tally.report()


def _embed(
    scope: Scope,
    space: Space,
    spec: ModelSpec,
    todo: Sequence[str],
    tally: Tally,
    compute: Callable[[Sequence[Input]], Sequence[Any]],
) -> None:
    stage = stage_name(space)
    under_way = UnderWay(scope.lake, stage, spec.version)
    together, alone = set_apart_what_kills(scope, under_way, todo, stage, spec.version, tally)
    with (
        scope.progress.task(f"embedding ({space})", len(todo), "segments") as advance,
        WriteBuffer(partial(_write, scope, space, spec), max_weight=VECTORS_PER_WRITE) as buffer,
        read_ahead(_batches(scope, space, together, alone)) as batches,
    ):
        for batch in batches:
            if scope.allowance.is_over():
                break
            with under_way.batch([segment_id for segment_id, _, _ in batch]):
                made = list(each_value(batch, compute))
            for (segment_id, _, input_fp), vector in made:
                flaw = vector if isinstance(vector, Exception) else _flaw(vector, spec)
                if flaw is not None:
                    video_id = video_id_of_segment(segment_id)
                    tally.failed(scope.fail(stage, segment_id, video_id, spec.version, flaw))
                    continue
                buffer.add((segment_id, input_fp, vector))
                tally.succeeded(segment_id)
                tally.work["vectors"] += 1
            tally.demand_some_success()
            advance(len(batch))


def _batches(scope: Scope, space: Space, together: Sequence[str], alone: Sequence[str]) -> Iterator[list[Input]]:
    read = _pictures if space == "visual" else _documents
    yield from read(scope, together, SEGMENTS_PER_BATCH[space])
    yield from read(scope, alone, 1)


def _flaw(vector: np.ndarray[Any, np.dtype[np.float32]], spec: ModelSpec) -> ReelindexError | None:
    # The table refuses such a vector, and with it the whole batch that it is in.
    dim = int(spec.dim)  # type: ignore[attr-defined]
    if vector.shape != (dim,):
        return WrongDimension(f"the model gave a vector of {vector.size} values where its spec says {dim}.")
    if not np.isfinite(vector).all():
        return VectorNotFinite("the model gave a vector with values that are not numbers.")
    return None


def _image_side(models: Models, spec: ModelSpec) -> Callable[[Sequence[Input]], Sequence[Any]]:
    encoder = models.visual(spec)
    return lambda batch: list(encoder.embed_segments([jpegs for _, jpegs, _ in batch]))


def _text_side(models: Models, spec: ModelSpec) -> Callable[[Sequence[Input]], Sequence[Any]]:
    encoder = models.text(spec)
    return lambda batch: list(encoder.embed_documents([text for _, text, _ in batch]))


def _pictures(scope: Scope, segment_ids: Sequence[str], batch_segments: int) -> Iterator[list[Input]]:
    for batch in read_keyframes(scope.lake, segment_ids, scope.buckets, batch_segments=batch_segments):
        yield [(segment.segment_id, segment.jpegs, segment.fingerprint) for segment in batch]


def _documents(scope: Scope, segment_ids: Sequence[str], batch_segments: int) -> Iterator[list[Input]]:
    columns = ["segment_id", "caption", "transcript", "screen", "output_fp"]
    for start in range(0, len(segment_ids), batch_segments):
        wanted = in_list("segment_id", segment_ids[start : start + batch_segments])
        rows = scope.lake.read(DOCUMENTS.name, columns, wanted).to_pylist()
        yield [
            (row["segment_id"], document_text(row["caption"], row["transcript"], row["screen"]), row["output_fp"])
            for row in rows
        ]


def _write(scope: Scope, space: Space, spec: ModelSpec, batch: list[tuple[str, str, Any]]) -> None:
    table = table_of(spec, space)
    ids = [segment_id for segment_id, _, _ in batch]
    video_ids = [video_id_of_segment(segment_id) for segment_id in ids]
    starts, ends = zip(*(times_of_segment(segment_id) for segment_id in ids), strict=True)
    vectors = np.stack([vector for _, _, vector in batch]).astype(np.float32, copy=False)
    columns = {
        "segment_id": pa.array(ids),
        "video_id": pa.array(video_ids),
        "bucket": pa.array([bucket_of(video_id) for video_id in video_ids]),
        "start_ms": pa.array(starts, pa.int64()),
        "end_ms": pa.array(ends, pa.int64()),
        "input_fp": pa.array([input_fp for _, input_fp, _ in batch]),
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1]),
    }
    scope.lake.upsert(table, pa.table(columns, schema=table.schema))
    scope.failures.clear(stage_name(space), ids, spec.version)
