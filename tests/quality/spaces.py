"""Vectors made for the tests, in lakes that nothing was ingested into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from encoders.family import ModelSpec
from kernel.identity import fingerprint, segment_id_of
from lake.buckets import bucket_of
from lake.failures import Failures
from lake.schema import SEGMENTS, Space
from lake.store import Lake
from stages.scope import Scope
from stages.vectors import table_of

VIDEO = fingerprint(["a video"])
INPUT_FP = fingerprint(["its picture"])


@dataclass(frozen=True)
class _Spec:
    version: str
    dim: int


def spec(version: str, dim: int) -> ModelSpec:
    """A model of which only the name and the width of its vectors are asked."""
    return cast(ModelSpec, _Spec(version, dim))


def scope_of(lake: Lake, max_attempts: int = 1) -> Scope:
    return Scope(lake, Failures(lake, max_attempts=max_attempts))


def segment_ids(count: int) -> list[str]:
    return [segment_id_of(VIDEO, 1000 * number, 1000 * (number + 1)) for number in range(count)]


def add_segments(lake: Lake, count: int) -> list[str]:
    """Segments of one video, all of the same picture."""
    ids = segment_ids(count)
    columns: dict[str, Any] = {
        "segment_id": ids,
        "video_id": [VIDEO] * count,
        "bucket": [bucket_of(VIDEO)] * count,
        "start_ms": [1000 * number for number in range(count)],
        "end_ms": [1000 * (number + 1) for number in range(count)],
        "version": ["segmenter"] * count,
        "keyframes_fp": [INPUT_FP] * count,
    }
    lake.upsert(SEGMENTS, pa.table(columns, schema=SEGMENTS.schema))
    return ids


def add_vectors(lake: Lake, space: Space, model: ModelSpec, vectors: NDArray[np.float32], ids: Sequence[str]) -> str:
    """Appends a version's vectors as they are, good or bad: past the checks of an upsert, which takes no NaN.

    Returns:
        The name of their table.
    """
    table = table_of(model, space)
    lake.create(table)
    count, dim = vectors.shape
    columns: dict[str, Any] = {
        "segment_id": list(ids),
        "video_id": [VIDEO] * count,
        "bucket": [bucket_of(VIDEO)] * count,
        "start_ms": [0] * count,
        "end_ms": [1000] * count,
        "input_fp": [INPUT_FP] * count,
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), dim),
    }
    lake.snapshot(table.name).insert(pa.table(columns, schema=table.schema))
    return table.name


def unit_vectors(count: int, dim: int, seed: int = 0) -> NDArray[np.float32]:
    """float32 `(count, dim)`, each of length 1."""
    drawn = np.random.default_rng(seed).normal(size=(count, dim))
    unit: NDArray[np.float32] = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    return unit
