"""Rows for tests: whole and valid, with what a test does not care about filled in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from lake.buckets import bucket_of
from lake.schema import TableSpec, vectors_table

SEEN_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def file_row(uri: str, video_id: str, *, size_bytes: int = 1, missing: bool = False) -> dict[str, Any]:
    """One place where a video lies."""
    return {
        "uri": uri,
        "video_id": video_id,
        "bucket": bucket_of(video_id),
        "size_bytes": size_bytes,
        "mtime_ns": 1,
        "missing": missing,
        "seen_at": SEEN_AT,
    }


def segment_row(video_id: str, number: int, *, keyframes_fp: str = "fp") -> dict[str, Any]:
    """One segment of a second; `number` counts from the start of the video."""
    start_ms = number * 1000
    return {
        "segment_id": f"{video_id}-{start_ms}-{start_ms + 1000}",
        "video_id": video_id,
        "bucket": bucket_of(video_id),
        "start_ms": start_ms,
        "end_ms": start_ms + 1000,
        "version": "cutter-1",
        "keyframes_fp": keyframes_fp,
    }


def keyframe_row(segment_id: str, position: int, *, edition: str = "") -> dict[str, Any]:
    """One keyframe whose `JPEG` says which one it is; `edition` tells rewritten ones apart."""
    return {
        "keyframe_id": f"{segment_id}-{position:02d}",
        "segment_id": segment_id,
        "video_id": segment_id.split("-")[0],
        "bucket": bucket_of(segment_id),
        "pts_ms": position * 10,
        "width": 2,
        "height": 2,
        "digest": f"digest of {segment_id} {position}{edition}",
        "jpeg": f"{segment_id} {position}{edition}".encode(),
    }


def small_vectors(version: str = "tiny-1") -> TableSpec:
    """A table of text vectors of four dimensions."""
    return vectors_table("text", version, 4)


def vector_row(
    segment_id: str, vector: Iterable[float] = (1.0, 0.0, 0.0, 0.0), *, input_fp: str = "fp"
) -> dict[str, Any]:
    """One vector of a segment."""
    return {
        "segment_id": segment_id,
        "video_id": segment_id.split("-")[0],
        "bucket": bucket_of(segment_id),
        "start_ms": 0,
        "end_ms": 1000,
        "input_fp": input_fp,
        "vector": list(vector),
    }


def vector_batch(spec: TableSpec, video_id: str, rows: int, stamp: str) -> pa.Table:
    """Many vectors of one video, all stamped with the same `input_fp`, big enough for a write to take a while."""
    dim = spec.schema.field("vector").type.list_size
    values = pa.array(np.zeros(rows * dim, np.float32))
    return pa.table(
        {
            "segment_id": [f"{video_id}-{number}" for number in range(rows)],
            "video_id": [video_id] * rows,
            "bucket": [bucket_of(video_id)] * rows,
            "start_ms": list(range(rows)),
            "end_ms": list(range(1, rows + 1)),
            "input_fp": [stamp] * rows,
            "vector": pa.FixedSizeListArray.from_arrays(values, dim),
        }
    )
