"""A version's vectors: what each is like, what they are like together, and what they belong to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kernel.identity import fingerprint
from lake.schema import Space
from lake.sql import SqlSession
from lake.store import Lake
from quality.expectations.facts import Facts
from quality.expectations.requirement import Requirement
from quality.expectations.suites.references import EVERY_SEGMENT, KNOWN_SEGMENT, ONE_ROW, lost
from stages.documents import document_text

if TYPE_CHECKING:
    import pandas as pd

NORM_TOLERANCE = 1e-3
MAX_MEAN_COSINE = 0.95
MAX_TWIN_SHARE = 0.05
MAX_FLAT_SHARE = 0.1
FLAT = 1e-6
"""A dimension whose standard deviation is smaller says nothing."""
MIN_VECTORS = 20
"""Vectors that a judgement about all of them needs."""
ROWS_AT_ONCE = 4096
_AGAIN = (
    "Drop the version (`reelindex drop`) and fill it again (`reelindex backfill`); search goes on with another one."
)
_MODEL = "The model, or what is done to its pictures, is broken: do not release it. " + _AGAIN


def alone(dim: int) -> tuple[Requirement, ...]:
    """What must be true of the vectors, whatever else is in the lake: a gate of every version.

    Args:
        dim: The width that the version's spec says.
    """
    return (
        ONE_ROW,
        Requirement("width", "A vector has the width that its model's spec says.", "dim", dim, dim, _AGAIN),
        Requirement(
            "unit_length",
            "A vector has length 1, as a cosine takes for granted.",
            "norm",
            1 - NORM_TOLERANCE,
            1 + NORM_TOLERANCE,
            _AGAIN,
        ),
        Requirement("finite", "Every value is a number.", "not_finite", 0, 0, _AGAIN),
        Requirement("constant", "The values of a vector differ.", "spread", 1e-12, None, _AGAIN),
        Requirement("input_fingerprint", "A vector says what it was made from.", "without_fingerprint", 0, 0, _AGAIN),
        Requirement(
            "not_collapsed",
            "Vectors of different things differ: the mean cosine of two of them.",
            "mean_pairwise_cosine",
            None,
            MAX_MEAN_COSINE,
            _MODEL,
            of="table",
        ),
        Requirement(
            "twins",
            "Different inputs have different vectors: the share that has the vector of another input.",
            "twin_share",
            None,
            MAX_TWIN_SHARE,
            _MODEL,
            severity="warn",
            of="table",
        ),
        Requirement(
            "dimensions",
            "The dimensions say something: the share of those that are the same everywhere.",
            "flat_dimensions_share",
            None,
            MAX_FLAT_SHARE,
            _MODEL,
            severity="warn",
            of="table",
        ),
    )


REFERENCES = (
    KNOWN_SEGMENT,
    Requirement(
        "registered",
        "The version of the table is registered, with its canary.",
        "registered",
        1,
        1,
        "Nobody can say what made these vectors. " + _AGAIN,
        of="table",
    ),
)
"""What must be true of them beside the other tables."""


@dataclass(slots=True)
class _Sums:
    """What can be said of all vectors after one pass over them."""

    dim: int
    count: int = 0
    total: NDArray[np.float64] = field(init=False)
    squares: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self.total, self.squares = np.zeros(self.dim), np.zeros(self.dim)

    def add(self, vectors: NDArray[np.floating[Any]]) -> None:
        self.count += len(vectors)
        self.total += vectors.sum(axis=0, dtype=np.float64)
        self.squares += np.einsum("nd,nd->d", vectors, vectors, dtype=np.float64)

    def mean_pairwise_cosine(self) -> float:
        """Of unit vectors v: the square of their sum is n and twice every cosine."""
        return float((self.total @ self.total - self.squares.sum()) / (self.count * (self.count - 1)))

    def flat_share(self) -> float:
        variance = self.squares / self.count - (self.total / self.count) ** 2
        return float((variance < FLAT**2).mean())


def facts(lake: Lake, table: str) -> Facts:
    """One row a vector: its width, length, finiteness, spread, fingerprint; and what they are like together."""
    import pandas as pd

    parts: list[pd.DataFrame] = []
    batches: list[pa.RecordBatch] = []
    schema = lake.snapshot(table).schema
    sums = _Sums(schema.field("vector").type.list_size)
    for batch in _batches(lake, table):
        parts.append(_row_facts(batch, sums))
        # Copied: a column of a batch from Lance keeps the whole batch in memory, and with it the vectors.
        batches.append(batch.select(["segment_id", "input_fp"]).take(np.arange(batch.num_rows)))
    read = pa.Table.from_batches(batches, pa.schema([schema.field("segment_id"), schema.field("input_fp")]))
    rows = pd.concat(parts, ignore_index=True) if parts else _row_facts(pa.RecordBatch.from_pylist([], schema), sums)
    hashes = rows.pop("hash").to_numpy()
    rows["copies"] = _counts(read["segment_id"])
    rows["without_fingerprint"] = np.array([not one for one in read["input_fp"].to_pylist()], np.int8)
    enough = len(rows) >= MIN_VECTORS
    return Facts(
        table,
        read["segment_id"],
        rows,
        {
            "mean_pairwise_cosine": sums.mean_pairwise_cosine() if enough else None,
            "twin_share": _twin_share(hashes, read["input_fp"]) if enough else None,
            "flat_dimensions_share": sums.flat_share() if enough else None,
        },
    )


def references(sql: SqlSession, table: str, space: Space, version: str) -> Facts:
    """One row a vector: whether it belongs to something; and whether the version is registered."""
    wanted = EVERY_SEGMENT
    if space == "text":
        wordless = fingerprint([document_text("", "", "")])
        wanted = f"SELECT segment_id, video_id FROM documents WHERE output_fp <> '{wordless}'"
    # Each name once: one that is there twice is another requirement's business.
    answer = sql.table(f"""
        SELECT v.segment_id AS id, {lost("v", table, wanted)} AS lost
        FROM (SELECT DISTINCT segment_id, video_id FROM {table}) v
    """)
    registered = sql.table(f"SELECT count(*) AS n FROM model_versions WHERE version = '{version}'")["n"][0].as_py()
    return Facts.of(f"{table}-references", answer, {"registered": float(registered)})


def _batches(lake: Lake, table: str) -> Iterator[pa.RecordBatch]:
    columns = ["segment_id", "input_fp", "vector"]
    # Lance reads ahead of what is asked for: by default it would hold hundreds of megabytes.
    yield from lake.snapshot(table).to_batches(
        columns=columns, batch_size=ROWS_AT_ONCE, batch_readahead=2, fragment_readahead=1
    )


def _row_facts(batch: pa.RecordBatch, sums: _Sums) -> pd.DataFrame:
    import pandas as pd

    vectors = batch.column("vector").flatten().to_numpy(zero_copy_only=False).reshape(-1, sums.dim)
    finite = np.isfinite(vectors)
    whole = vectors if finite.all() else np.where(finite, vectors, np.float32(0))
    not_finite = sums.dim - finite.sum(axis=1)
    norms = np.linalg.norm(whole, axis=1).astype(np.float64)
    # A vector of another length is named for that, and must not weigh more than others in what is said of all.
    sums.add(whole / np.where(norms > 0, norms, 1.0)[:, None].astype(np.float32))
    spread = whole.max(axis=1, initial=-np.inf) - whole.min(axis=1, initial=np.inf) if len(whole) else np.zeros(0)
    return pd.DataFrame(
        {
            "dim": np.full(len(vectors), sums.dim),
            # What has no length or no direction is named once, for the first of its flaws.
            "norm": np.where(not_finite > 0, 1.0, norms),
            "not_finite": not_finite,
            "spread": np.where((not_finite > 0) | (norms == 0), 1.0, spread.astype(np.float64)),
            "hash": _hashes(vectors),
        }
    )


def _hashes(vectors: NDArray[np.float32]) -> NDArray[np.uint64]:
    """uint64 `(n,)`: equal for equal vectors, and for others only by chance."""
    words = np.ascontiguousarray(vectors).view(np.uint32)
    odd = np.random.default_rng(0).integers(1, 2**63, words.shape[1], dtype=np.uint64) | np.uint64(1)
    hashed: NDArray[np.uint64] = np.einsum("nd,d->n", words, odd, dtype=np.uint64, casting="unsafe")
    return hashed


def _counts(names: pa.ChunkedArray) -> NDArray[np.int64]:
    codes = names.combine_chunks().dictionary_encode().indices.to_numpy()
    counts: NDArray[np.int64] = np.bincount(codes)[codes] if len(codes) else np.zeros(0, np.int64)
    return counts


def _twin_share(hashes: NDArray[np.uint64], inputs: pa.ChunkedArray) -> float:
    """The share of vectors that a vector of another input equals."""
    of_vector = np.unique(hashes, return_inverse=True)[1]
    of_input = inputs.combine_chunks().dictionary_encode().indices.to_numpy()
    pairs = np.unique(np.stack([of_vector, of_input]), axis=1)
    return float((np.bincount(pairs[0])[of_vector] > 1).mean())
