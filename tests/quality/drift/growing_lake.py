"""A lake that videos of a simulated world come into: their vectors, durations, words and labels, and no picture."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.drift_worlds import DIM, Means, unit
from kernel.identity import fingerprint, segment_id_of
from lake.buckets import bucket_of
from lake.schema import CAPTIONS, DECODES, TRANSCRIPTS, VIDEOS, vectors_table
from lake.store import Lake
from tests.quality.expectations.sound_lake import put

VERSION = "simulated"
TABLE = vectors_table("visual", VERSION, DIM)
SEGMENTS_EACH = 3
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def grow(lake: Lake, name: str, means: Means, *, seen: datetime, seconds: float = 30.0) -> list[str]:
    """Takes in one video for each row of `means`, with three segments around it.

    Returns:
        Their ids.
    """
    lake.create(TABLE)
    random = np.random.default_rng(len(name))
    ids = [fingerprint([f"{name} {number}"]) for number in range(len(means))]
    for number, (video_id, mean) in enumerate(zip(ids, means, strict=True)):
        shared = {"video_id": video_id, "bucket": bucket_of(video_id)}
        made: dict[str, Any] = {**shared, "version": "made", "input_fp": "made", "output_fp": "made"}
        duration_ms = int(1000 * seconds * random.uniform(0.5, 1.5))
        video = {"size_bytes": 9, "container": "mov", "video_codec": "h264", "audio_codec": "aac", "width": 64}
        video |= {"height": 48, "rotation": 0, "fps": 25.0, "promised_ms": duration_ms, "has_audio": True}
        put(lake, VIDEOS, [shared | video | {"first_seen_at": seen + timedelta(seconds=number)}])
        decode = {"version": "made", "frames": 9, "decode_errors": 0, "frames_damaged": 0, "segments": SEGMENTS_EACH}
        put(lake, DECODES, [shared | decode | {"duration_ms": duration_ms}])
        words = [{"start_ms": 0, "end_ms": int(duration_ms * random.uniform(0, 1)), "text": "a", "probability": 1.0}]
        put(lake, TRANSCRIPTS, [made | {"language": "en", "words": words, "decode_errors": 0}])
        starts = range(0, 3 * SEGMENTS_EACH, 3)
        segment_ids = [segment_id_of(video_id, start, start + 3) for start in starts]
        label = {"name": f"label {random.integers(3)}", "score": 1.0}
        put(lake, CAPTIONS, [made | {"segment_id": one, "text": "x", "labels": [label]} for one in segment_ids])
        vectors = unit(mean + 0.02 * random.normal(size=(SEGMENTS_EACH, DIM)))
        columns = {
            "segment_id": segment_ids,
            "video_id": [video_id] * SEGMENTS_EACH,
            "bucket": [bucket_of(video_id)] * SEGMENTS_EACH,
            "start_ms": list(starts),
            "end_ms": [start + 3 for start in starts],
            "input_fp": ["made"] * SEGMENTS_EACH,
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), DIM),
        }
        lake.snapshot(TABLE.name).insert(pa.table(columns, schema=TABLE.schema))
    return ids
