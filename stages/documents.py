"""Documents: the words of each segment: its caption, what is said in it, and what can be read on its pictures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from kernel.identity import fingerprint, version_of, video_id_of_segment
from lake.buckets import bucket_of
from lake.known_words import add_words
from lake.planning import Plan, have_table, wanted_table
from lake.schema import CAPTIONS, DOCUMENTS, SCREEN_TEXTS, SEGMENTS, TRANSCRIPTS
from lake.store import Lake, in_list
from stages.orphans import remove_orphans
from stages.report import StageReport, Tally
from stages.scope import Scope
from stages.word_times import words_by_segment

STAGE = "documents"
VERSION = version_of("documents", {"words": "by midpoint", "outside": "nearest segment", "screen": "last"})
VIDEOS_PER_BATCH = 200


def plan_documents(scope: Scope) -> Plan:
    """Every segment should have a document made from the caption, transcript and screen text that there are now."""
    segments = scope.lake.read(SEGMENTS.name, ["segment_id", "video_id"], scope.buckets.where)
    captions = scope.lake.read(CAPTIONS.name, ["segment_id", "output_fp"], scope.buckets.where)
    transcripts = scope.lake.read(TRANSCRIPTS.name, ["video_id", "output_fp"], scope.buckets.where)
    screens = scope.lake.read(SCREEN_TEXTS.name, ["segment_id", "output_fp"], scope.buckets.where)
    inputs = (
        segments.join(captions.rename_columns(["segment_id", "caption_fp"]), "segment_id")
        .join(screens.rename_columns(["segment_id", "screen_fp"]), "segment_id")
        .join(transcripts.rename_columns(["video_id", "transcript_fp"]), "video_id")
    )
    there = scope.lake.read(DOCUMENTS.name, ["segment_id", "input_fp", "version"], scope.buckets.where)
    have = have_table(there["segment_id"], there["input_fp"], there["version"])
    input_fps = _input_fp(inputs["caption_fp"], inputs["transcript_fp"], inputs["screen_fp"])
    return scope.plan(STAGE, VERSION, wanted_table(inputs["segment_id"], input_fps), have)


def write_documents(scope: Scope) -> StageReport:
    """Writes the documents that are new or stale."""
    plan = plan_documents(scope)
    tally = Tally(STAGE, VERSION, plan)
    by_video = [list(ids) for _, ids in groupby(plan.todo, video_id_of_segment)]
    with scope.progress.task("writing documents", len(plan.todo), "segments") as advance:
        for start in range(0, len(by_video), VIDEOS_PER_BATCH):
            segment_ids = [segment_id for ids in by_video[start : start + VIDEOS_PER_BATCH] for segment_id in ids]
            rows = _rows(scope.lake, segment_ids)
            add_words(scope.lake, (row[name] for row in rows for name in ("caption", "transcript", "screen")))
            scope.lake.upsert(DOCUMENTS, pa.Table.from_pylist(rows, DOCUMENTS.schema))
            for segment_id in segment_ids:
                tally.succeeded(segment_id)
            advance(len(segment_ids))
    tally.removed = remove_orphans(scope, DOCUMENTS.name, _without_waiting(scope, plan), tally)
    tally.work["documents"] = tally.done
    return tally.report()


def _without_waiting(scope: Scope, plan: Plan) -> Plan:
    """The plan without the orphaned documents whose words have nothing in their place yet.

    A former segment keeps its caption and its screen text until its video has been described anew; a run may stop
    halfway, and the words of the former cut must be found until then.
    """
    if not plan.orphaned:
        return plan
    kept: set[str] = set()
    for table in (CAPTIONS, SCREEN_TEXTS):
        kept.update(scope.lake.read(table.name, ["segment_id"], scope.buckets.where)["segment_id"].to_pylist())
    return replace(plan, orphaned=tuple(segment_id for segment_id in plan.orphaned if segment_id not in kept))


def document_text(caption: str, transcript: str, screen: str) -> str:
    """The text of a document as a text model reads it: what is seen, said, and to be read; empty if nothing is."""
    return "\n".join(part for part in (caption, transcript, screen) if part)


def _input_fp(
    caption_fp: pa.ChunkedArray, transcript_fp: pa.ChunkedArray, screen_fp: pa.ChunkedArray
) -> pa.ChunkedArray:
    none = pa.scalar("none")
    filled = [pc.fill_null(each, none) for each in (caption_fp, transcript_fp, screen_fp)]
    return pc.binary_join_element_wise(*filled, "+")


def _rows(lake: Lake, segment_ids: Sequence[str]) -> list[dict[str, Any]]:
    chosen = set(segment_ids)
    of_videos = in_list("video_id", sorted({video_id_of_segment(segment_id) for segment_id in segment_ids}))
    segments = lake.read(SEGMENTS.name, ["segment_id", "video_id", "start_ms", "end_ms"], of_videos).to_pylist()
    captions = _by_key(lake, CAPTIONS.name, "segment_id", ["text", "version", "output_fp"], of_videos)
    screens = _by_key(lake, SCREEN_TEXTS.name, "segment_id", ["text", "version", "output_fp"], of_videos)
    transcripts = _by_key(lake, TRANSCRIPTS.name, "video_id", ["words", "version", "output_fp"], of_videos)
    by_video = defaultdict(list)
    for segment in sorted(segments, key=lambda segment: int(segment["start_ms"])):
        by_video[segment["video_id"]].append(segment)
    rows = []
    for video_id, of_video in by_video.items():
        transcript = transcripts.get(video_id)
        words = transcript["words"] if transcript else []
        spoken = words_by_segment([(s["start_ms"], s["end_ms"]) for s in of_video], words)
        for segment, said in zip(of_video, spoken, strict=True):
            if segment["segment_id"] in chosen:
                segment_id = segment["segment_id"]
                rows.append(_row(segment, captions.get(segment_id), screens.get(segment_id), transcript, said))
    return rows


def _by_key(lake: Lake, table: str, key: str, columns: list[str], where: str) -> dict[str, dict[str, Any]]:
    return {row[key]: row for row in lake.read(table, [key, *columns], where).to_pylist()}


def _row(
    segment: Mapping[str, Any],
    caption: Mapping[str, Any] | None,
    screen: Mapping[str, Any] | None,
    transcript: Mapping[str, Any] | None,
    said: str,
) -> dict[str, Any]:
    seen = caption["text"] if caption else ""
    shown = screen["text"] if screen else ""
    inputs = (source["output_fp"] if source else "none" for source in (caption, transcript, screen))
    return {
        "segment_id": segment["segment_id"],
        "video_id": segment["video_id"],
        "bucket": bucket_of(segment["video_id"]),
        "start_ms": segment["start_ms"],
        "end_ms": segment["end_ms"],
        "caption": seen,
        "transcript": said,
        "screen": shown,
        "caption_version": caption["version"] if caption else "",
        "transcript_version": transcript["version"] if transcript else "",
        "screen_version": screen["version"] if screen else "",
        "version": VERSION,
        "input_fp": "+".join(inputs),
        "output_fp": fingerprint([document_text(seen, said, shown)]),
    }
