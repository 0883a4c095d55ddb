"""Indexes: made once, brought up to date, and never at odds with another process."""

from __future__ import annotations

import multiprocessing
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.buckets import bucket_of
from lake.schema import DOCUMENTS, vectors_table
from lake.store import Lake, in_list
from retrieval.indexes import MOST_PIECES, ensure_indexes
from retrieval.legs import PARTITION_ROWS, partitions_to_read, search_vectors
from tests.quality.spaces import add_vectors, spec, unit_vectors
from tests.retrieval.small_corpus import DIM, Scene, SmallCorpus, video

ROWS = 3000


def scattered(lake: Lake, *, first: int = 0, rows: int = ROWS) -> tuple[str, np.ndarray]:
    """Random unit vectors in a table; the name of the table, and the vectors."""
    spec = vectors_table("visual", "scattered", DIM)
    lake.create(spec)
    vectors = np.random.default_rng(first).normal(size=(rows, DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = [video(number) for number in range(first, first + rows)]
    columns = {
        "segment_id": [f"{video_id}-0-1" for video_id in ids],
        "video_id": ids,
        "bucket": [bucket_of(video_id) for video_id in ids],
        "start_ms": pa.array([0] * rows, pa.int64()),
        "end_ms": pa.array([1] * rows, pa.int64()),
        "input_fp": ["i"] * rows,
        "vector": pa.FixedSizeListArray.from_arrays(vectors.ravel(), DIM),
    }
    lake.upsert(spec, pa.table(columns))
    return spec.name, vectors


def test_empty_tables_get_the_indexes_that_new_rows_need(small: SmallCorpus) -> None:
    small.write([])
    report = ensure_indexes(small.lake)
    assert set(report.created) == {
        "documents.segment_id",
        "documents.caption",
        "documents.transcript",
        "documents.screen",
        "files.video_id",
        "keyframes.segment_id",
        "vectors__text__words_1.segment_id",
        "vectors__text__words_1.video_id",
        "vectors__visual__words_1.segment_id",
        "vectors__visual__words_1.video_id",
        "words.word",
    }
    assert report.caught_up == {}


def test_new_rows_are_taken_in_and_then_nothing_is_written(small: SmallCorpus) -> None:
    small.write([Scene(1, caption="a dog")])
    ensure_indexes(small.lake)
    small.write([Scene(2, caption="a cat"), Scene(3, caption="a cow")])
    report = ensure_indexes(small.lake)
    assert report.created == ()
    assert report.caught_up == {"documents": 2, "vectors__text__words_1": 2}
    ensure_indexes(small.lake)  # merges the small files that the first pass could not, their rows being in no index
    tables = ["documents", "files", *small.lake.vectors_tables()]
    before = [small.lake.table(name).version for name in tables]
    again = ensure_indexes(small.lake)
    assert (again.created, again.caught_up) == ((), {})
    assert [small.lake.table(name).version for name in tables] == before


def test_a_large_table_gets_an_index_whose_answers_are_the_exact_ones(small: SmallCorpus) -> None:
    name, vectors = scattered(small.lake)
    assert f"{name}.vector" not in ensure_indexes(small.lake, ann_from_rows=ROWS + 1).created
    queries = vectors[::300] + 0.1
    exact = [search_vectors(small.lake, name, query, None, 10) for query in queries]
    for query, found in zip(queries, exact, strict=True):
        best = np.argsort(-(vectors @ query))[:10]
        assert [candidate.video_id for candidate in found] == [video(int(number)) for number in best]
    assert ensure_indexes(small.lake, ann_from_rows=ROWS).created == (f"{name}.vector",)
    (index,) = (index for index in small.lake.table(name).list_indices() if index.columns == ["vector"])
    assert index.index_type == "IvfRq"
    overlaps = []
    for query, wanted in zip(queries, exact, strict=True):
        found = search_vectors(small.lake, name, query, None, 10)
        overlaps.append(len({c.video_id for c in found} & {c.video_id for c in wanted}) / 10)
        assert found[0].score == np.float32(found[0].score)
    assert np.mean(overlaps) >= 0.98


@given(rows=st.integers(0, 10**8), more=st.integers(0, 10**6))
def test_more_vectors_are_looked_for_in_more_partitions_but_in_a_smaller_share(rows: int, more: int) -> None:
    assert 1 <= partitions_to_read(rows) <= partitions_to_read(rows + more)
    if rows > 100 * PARTITION_ROWS:
        assert partitions_to_read(rows) * PARTITION_ROWS < rows / 2


def test_an_index_keeps_the_size_of_its_partitions_as_the_table_grows(small: SmallCorpus) -> None:
    """Lance joins partitions that are small for the size that it was told; it would join all that were asked for."""
    rows = 8 * PARTITION_ROWS
    name, _ = scattered(small.lake, rows=rows)
    ensure_indexes(small.lake, ann_from_rows=rows)
    assert _pieces(small.lake, name) == [8]
    seen = []
    for times in range(1, MOST_PIECES + 1):
        scattered(small.lake, first=rows + times * rows // 4, rows=rows // 4)
        ensure_indexes(small.lake, ann_from_rows=rows)
        seen.append(len(_pieces(small.lake, name)))
    assert (max(seen), seen[-1]) == (MOST_PIECES, 1)
    scattered(small.lake, first=10 * rows, rows=2 * rows)
    ensure_indexes(small.lake, ann_from_rows=rows)
    assert sum(_pieces(small.lake, name)) > 16
    queries = scattered(small.lake, first=20 * rows, rows=20)[1] + 0.1
    shares = [_share_found(small.lake, name, query) for query in queries]
    assert np.mean(shares) >= 0.95


def _pieces(lake: Lake, name: str) -> list[int]:
    """The partitions of each piece of an index."""
    return [int(one["num_partitions"]) for one in lake.snapshot(name).stats.index_stats("vector_idx")["indices"]]


def _share_found(lake: Lake, name: str, query: np.ndarray) -> float:
    exact, found = (
        {one.segment_id for one in search_vectors(lake, name, query, None, 10, exactly=exactly)}
        for exactly in (True, False)
    )
    return len(exact & found) / 10


@pytest.mark.parametrize(("dim", "kind"), [(32, "IvfRq"), (30, "IvfSq"), (7, "IvfSq")])
def test_any_dimension_can_be_indexed(small: SmallCorpus, dim: int, kind: str) -> None:
    vectors = unit_vectors(ROWS, dim)
    ids = [f"{video(number)}-0-1" for number in range(ROWS)]
    name = add_vectors(small.lake, "visual", spec("odd-1", dim), vectors, ids)
    assert f"{name}.vector" in ensure_indexes(small.lake, ann_from_rows=ROWS).created
    (index,) = (index for index in small.lake.table(name).list_indices() if index.columns == ["vector"])
    assert index.index_type == kind
    assert [one.segment_id for one in search_vectors(small.lake, name, vectors[5], None, 1)] == [ids[5]]


def test_a_narrow_filter_costs_no_results(small: SmallCorpus) -> None:
    rows = 8 * PARTITION_ROWS
    name, vectors = scattered(small.lake, rows=rows)
    ensure_indexes(small.lake, ann_from_rows=rows)
    few = [video(number) for number in range(0, rows, 400)]
    found = search_vectors(small.lake, name, vectors[3], in_list("video_id", few), 50)
    assert sorted(one.video_id for one in found) == few


def test_vectors_written_after_the_index_are_found(small: SmallCorpus) -> None:
    name, _ = scattered(small.lake)
    ensure_indexes(small.lake, ann_from_rows=ROWS)
    _, late = scattered(small.lake, first=ROWS, rows=20)
    for number, vector in enumerate(late):
        found = search_vectors(small.lake, name, vector, None, 3)
        assert found[0].video_id == video(ROWS + number)
        assert found[0].score > 0.999


def run_at_once(folder: Path, barrier: Barrier) -> None:
    """What each of two processes does."""
    lake = Lake(folder, create=False)
    lake.table(DOCUMENTS.name)
    barrier.wait(60)
    for _ in range(3):
        ensure_indexes(lake, ann_from_rows=ROWS)


def test_two_processes_at_once(small: SmallCorpus) -> None:
    small.write([Scene(number, caption=f"dog {number}") for number in range(300)])
    name, vectors = scattered(small.lake)
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    processes = [context.Process(target=run_at_once, args=(small.folder, barrier)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0]
    columns = [index.columns for index in small.lake.table(DOCUMENTS.name).list_indices()]
    assert sorted(columns) == [["caption"], ["screen"], ["segment_id"], ["transcript"]]
    assert (small.lake.count(DOCUMENTS.name), small.lake.count(name)) == (300, ROWS)
    assert search_vectors(small.lake, name, vectors[7], None, 1)[0].video_id == video(7)
