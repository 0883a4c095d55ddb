"""As many vectors as a benchmark needs, with the spectrum of real ones, in a lake of their own.

A few directions carry most of what differs: eigenvalue `k` is `1 / k`, so that the ten largest carry 0.40 of the
variance; of 8,091 photographs in the default visual model they carry 0.47. The segments of a video lie near each other.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kernel.identity import fingerprint, segment_id_of
from lake.buckets import bucket_of
from lake.schema import Space, vectors_table
from lake.store import Lake

SEGMENTS_A_VIDEO = 5
WITHIN_A_VIDEO = 0.5
"""The standard deviation within a video, of that between videos."""
DECAY = -0.5
"""Of the standard deviations: half the exponent of the eigenvalues."""
ROWS_A_BATCH = 50_000

Vectors = NDArray[np.float32]


def vector_batches(rows: int, dim: int, seed: int = 0) -> Iterator[Vectors]:
    """Unit vectors, float32 `(n, dim)`, in batches of whole videos; the same for the same seed."""
    random = np.random.default_rng(seed)
    scale = np.arange(1, dim + 1, dtype=np.float32) ** DECAY
    centre = 0.5 * random.normal(size=dim).astype(np.float32) * scale
    for start in range(0, rows, ROWS_A_BATCH):
        count = min(ROWS_A_BATCH, rows - start)
        videos = random.standard_normal((-(-count // SEGMENTS_A_VIDEO), dim), dtype=np.float32)
        made = np.repeat(videos, SEGMENTS_A_VIDEO, axis=0)[:count]
        made += WITHIN_A_VIDEO * random.standard_normal((count, dim), dtype=np.float32)
        made *= scale
        made += centre
        made /= np.linalg.norm(made, axis=1, keepdims=True)
        yield made


def fill_vectors(lake: Lake, space: Space, version: str, rows: int, dim: int, seed: int = 0) -> str:
    """Makes the table of a version with so many rows, and gives its name."""
    table = vectors_table(space, version, dim)
    lake.create(table)
    start = 0
    for vectors in vector_batches(rows, dim, seed):
        places = range(start, start + len(vectors))
        video_ids = [fingerprint([f"video {place // SEGMENTS_A_VIDEO}"]) for place in places]
        starts = [4000 * (place % SEGMENTS_A_VIDEO) for place in places]
        columns = {
            "segment_id": [segment_id_of(v, s, s + 4000) for v, s in zip(video_ids, starts, strict=True)],
            "video_id": video_ids,
            "bucket": [bucket_of(video_id) for video_id in video_ids],
            "start_ms": pa.array(starts, pa.int64()),
            "end_ms": pa.array([start_ms + 4000 for start_ms in starts], pa.int64()),
            "input_fp": [fingerprint([str(place)]) for place in places],
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), dim),
        }
        lake.snapshot(table.name).insert(pa.table(columns, schema=table.schema))
        start += len(vectors)
    return table.name
