"""The tables of the lake: the only place where their columns are defined.

Every table has one non-null text or integer key, marked as Lance's unenforced primary key. The mark matters: without it
two writers that merge the same new key at the same time both insert it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

_PRIMARY_KEY = {b"lance-schema:unenforced-primary-key": b"true"}

Space = Literal["visual", "text"]
SPACES: tuple[Space, ...] = ("visual", "text")

TIMESTAMP = pa.timestamp("us", tz="UTC")
WORDS = pa.list_(
    pa.struct([("start_ms", pa.int32()), ("end_ms", pa.int32()), ("text", pa.string()), ("probability", pa.float32())])
)
LABELS = pa.list_(pa.struct([("name", pa.string()), ("score", pa.float32())]))


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One table: its name, the column that names a row, and its Arrow schema."""

    name: str
    key: str
    schema: pa.Schema

    def empty(self) -> pa.Table:
        """The table with no rows."""
        return self.schema.empty_table()


def _table(name: str, key: str, columns: list[tuple[str, pa.DataType]], *, nullable: tuple[str, ...] = ()) -> TableSpec:
    fields = [
        pa.field(column, kind, nullable=column in nullable, metadata=_PRIMARY_KEY if column == key else None)
        for column, kind in columns
    ]
    return TableSpec(name, key, pa.schema(fields))


FILES = _table(
    "files",
    "uri",
    [
        ("uri", pa.string()),
        ("video_id", pa.string()),
        ("bucket", pa.string()),
        ("size_bytes", pa.int64()),
        ("mtime_ns", pa.int64()),
        ("missing", pa.bool_()),
        ("seen_at", TIMESTAMP),
    ],
)
"""Every place where a video was seen. A row a place, not a list in `videos`: two scans at once lose none."""

VIDEOS = _table(
    "videos",
    "video_id",
    [
        ("video_id", pa.string()),
        ("bucket", pa.string()),
        ("size_bytes", pa.int64()),
        ("container", pa.string()),
        ("video_codec", pa.string()),
        ("audio_codec", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("rotation", pa.int32()),
        ("fps", pa.float64()),
        ("promised_ms", pa.int64()),
        ("has_audio", pa.bool_()),
        ("first_seen_at", TIMESTAMP),
    ],
    nullable=("audio_codec", "fps", "promised_ms"),
)
"""What a container says of itself; `promised_ms` is its own word for its length, null where it gives none."""

DECODES = _table(
    "decodes",
    "video_id",
    [
        ("video_id", pa.string()),
        ("bucket", pa.string()),
        ("version", pa.string()),
        ("duration_ms", pa.int64()),
        ("frames", pa.int64()),
        ("decode_errors", pa.int64()),
        ("frames_damaged", pa.int64()),
        ("segments", pa.int32()),
    ],
)
"""One finished decode of a video, with what was lost in it. Written last: where it is, all the segments are."""

SEGMENTS = _table(
    "segments",
    "segment_id",
    [
        ("segment_id", pa.string()),
        ("video_id", pa.string()),
        ("bucket", pa.string()),
        ("start_ms", pa.int64()),
        ("end_ms", pa.int64()),
        ("version", pa.string()),
        ("keyframes_fp", pa.string()),
    ],
)

KEYFRAMES = _table(
    "keyframes",
    "keyframe_id",
    [
        ("keyframe_id", pa.string()),
        ("segment_id", pa.string()),
        ("video_id", pa.string()),
        ("bucket", pa.string()),
        ("pts_ms", pa.int64()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("digest", pa.string()),
        ("jpeg", pa.large_binary()),
    ],
)

TRANSCRIPTS = _table(
    "transcripts",
    "video_id",
    [
        ("video_id", pa.string()),
        ("bucket", pa.string()),
        ("language", pa.string()),
        ("words", WORDS),
        ("decode_errors", pa.int64()),
        ("version", pa.string()),
        ("input_fp", pa.string()),
        ("output_fp", pa.string()),
    ],
)

CAPTIONS = _table(
    "captions",
    "segment_id",
    [
        ("segment_id", pa.string()),
        ("video_id", pa.string()),
        ("bucket", pa.string()),
        ("text", pa.string()),
        ("labels", LABELS),
        ("version", pa.string()),
        ("input_fp", pa.string()),
        ("output_fp", pa.string()),
    ],
)

SCREEN_TEXTS = _table(
    "screen_texts",
    "segment_id",
    [
        ("segment_id", pa.string()),
        ("video_id", pa.string()),
        ("bucket", pa.string()),
        ("text", pa.string()),
        ("version", pa.string()),
        ("input_fp", pa.string()),
        ("output_fp", pa.string()),
    ],
)
"""What can be read in a segment's pictures, one line of it a line. Empty as long as the settings name no reader."""

DOCUMENTS = _table(
    "documents",
    "segment_id",
    [
        ("segment_id", pa.string()),
        ("video_id", pa.string()),
        ("bucket", pa.string()),
        ("start_ms", pa.int64()),
        ("end_ms", pa.int64()),
        ("caption", pa.string()),
        ("transcript", pa.string()),
        ("screen", pa.string()),
        ("caption_version", pa.string()),
        ("transcript_version", pa.string()),
        ("screen_version", pa.string()),
        ("version", pa.string()),
        ("input_fp", pa.string()),
        ("output_fp", pa.string()),
    ],
)
"""The words of a segment. `output_fp` is of the words alone: a captioner that says the same changes nothing after."""

WORDS = _table("words", "word", [("word", pa.string())])
"""Every word of four letters or more that was ever in a document, in small letters."""

MODEL_VERSIONS = _table(
    "model_versions",
    "version",
    [
        ("version", pa.string()),
        ("role", pa.string()),
        ("space", pa.string()),
        ("spec_json", pa.string()),
        ("dim", pa.int32()),
        ("canary_json", pa.string()),
        ("created_at", TIMESTAMP),
    ],
    nullable=("space", "dim"),
)

RELEASES = _table(
    "releases",
    "release_id",
    [
        ("release_id", pa.int64()),
        ("kind", pa.string()),
        ("spaces_json", pa.string()),
        ("fusion_json", pa.string()),
        ("evidence_json", pa.string()),
        ("reason", pa.string()),
        ("predecessor", pa.int64()),
        ("created_at", TIMESTAMP),
    ],
    nullable=("predecessor",),
)
"""Append only; the live release is the highest `release_id`."""

FAILURES = _table(
    "failures",
    "failure_id",
    [
        ("failure_id", pa.string()),
        ("stage", pa.string()),
        ("subject", pa.string()),
        ("video_id", pa.string()),
        ("bucket", pa.string()),
        ("version", pa.string()),
        ("error", pa.string()),
        ("message", pa.string()),
        ("attempts", pa.int32()),
        ("quarantined", pa.bool_()),
        ("first_at", TIMESTAMP),
        ("last_at", TIMESTAMP),
    ],
)

EVALUATIONS = _table(
    "evaluations",
    "evaluation_id",
    [
        ("evaluation_id", pa.string()),
        ("version", pa.string()),
        ("space", pa.string()),
        ("gate", pa.string()),
        ("passed", pa.bool_()),
        ("measured", pa.float64()),
        ("threshold", pa.float64()),
        ("message", pa.string()),
        ("evidence_json", pa.string()),
        ("state_fp", pa.string()),
        ("evaluated_at", TIMESTAMP),
    ],
    nullable=("measured",),
)
"""What every gate said of every candidate. `state_fp` names what it was asked about, so that it is not asked twice."""

WORK_LOG = _table(
    "work_log",
    "entry_id",
    [
        ("entry_id", pa.string()),
        ("stage", pa.string()),
        ("version", pa.string()),
        ("done", pa.int64()),
        ("failed", pa.int64()),
        ("duration_s", pa.float64()),
        ("work_json", pa.string()),
        ("finished_at", TIMESTAMP),
    ],
)
"""What every stage did in every run that had something to do: where measured rates come from."""

TRAININGS = _table(
    "trainings",
    "version",
    [
        ("version", pa.string()),
        ("name", pa.string()),
        ("path", pa.string()),
        ("parent", pa.string()),
        ("data_fp", pa.string()),
        ("data_json", pa.string()),
        ("recipe_json", pa.string()),
        ("seed", pa.int64()),
        ("code", pa.string()),
        ("epochs_json", pa.string()),
        ("anchor_json", pa.string()),
        ("evaluation_json", pa.string()),
        ("duration_s", pa.float64()),
        ("trained_at", TIMESTAMP),
    ],
)
"""Where every trained version comes from: the pairs, the recipe, the seed, the code, the model it stands on."""

DRIFT_REFERENCES = _table(
    "drift_references",
    "version",
    [("version", pa.string()), ("space", pa.string()), ("until", TIMESTAMP), ("thresholds_json", pa.string())],
)
"""What the videos of a version that come later are compared with, and how far they may be from it."""

ROBUSTNESS = _table(
    "robustness",
    "version",
    [
        ("version", pa.string()),
        ("space", pa.string()),
        ("protocol", pa.string()),
        ("rows", pa.int64()),
        ("shifts_json", pa.string()),
        ("measured_at", TIMESTAMP),
    ],
)
"""How far a version's vectors move when pictures and queries are disturbed."""

RETRIEVAL_QUALITY = _table(
    "retrieval_quality",
    "state_fp",
    [
        ("state_fp", pa.string()),
        ("release_id", pa.int64()),
        ("source", pa.string()),
        ("measured_json", pa.string()),
        ("measured_at", TIMESTAMP),
    ],
)
"""How well a release found what it should: metrics by leg and by part, and known ways to fail."""

TABLES: tuple[TableSpec, ...] = (
    FILES,
    VIDEOS,
    DECODES,
    SEGMENTS,
    KEYFRAMES,
    TRANSCRIPTS,
    CAPTIONS,
    SCREEN_TEXTS,
    DOCUMENTS,
    WORDS,
    MODEL_VERSIONS,
    RELEASES,
    EVALUATIONS,
    WORK_LOG,
    TRAININGS,
    DRIFT_REFERENCES,
    ROBUSTNESS,
    RETRIEVAL_QUALITY,
    FAILURES,
)

VECTORS_PREFIX = "vectors__"


def vectors_table(space: str, version: str, dim: int) -> TableSpec:
    """The table of one model version's vectors in one space.

    One table a version: versions never touch each other, and a dropped one frees its bytes at once. The name is the
    version with underscores for what is neither letter nor digit, so that SQL needs no quotes.
    """
    columns = [
        ("segment_id", pa.string()),
        ("video_id", pa.string()),
        ("bucket", pa.string()),
        ("start_ms", pa.int64()),
        ("end_ms", pa.int64()),
        ("input_fp", pa.string()),
        ("vector", pa.list_(pa.float32(), dim)),
    ]
    return _table(vectors_table_name(space, version), "segment_id", columns)


def vectors_table_name(space: str, version: str) -> str:
    """`vectors__<space>__<version>`, a plain SQL identifier."""
    return re.sub(r"[^0-9A-Za-z_]", "_", f"{VECTORS_PREFIX}{space}__{version}")
