"""The vector index beside others over the same vectors: what is found, what it costs, what it holds.

    python -m benchmarks.vector_index [--rows 200000] [--which exact own ...]

768 dimensions with a realistic spectrum; the queries are other vectors of the same kind. Each index is built and asked
one query at a time, by one thread where it can be told so. Ours is on disk and is asked as a search asks it, names
and vectors included, `exact` without its index and `own` with it; the others hold everything in memory and give
numbers of rows. Memory is what the process has grown by.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from benchmarks.synthetic_vectors import fill_vectors, vector_batches
from lake.store import Lake
from retrieval.indexes import ensure_indexes
from retrieval.legs import DEPTH, search_vectors
from retrieval.warm_lake import WarmLake

DIM = 768
NEIGHBOURS = 10
QUERIES = 100
WARM_UP = 20
VERSION = "synthetic-1"

Vectors = NDArray[np.float32]
Ask = Callable[[Vectors], Sequence[int]]
"""One query to the rows that it finds, best first."""


@dataclass(frozen=True, slots=True)
class Built:
    """An index, and what it took to build it."""

    name: str
    ask: Ask
    build_cpu_s: float
    memory_mb: float


def main(arguments: Sequence[str]) -> int:
    """Prints a row an index."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--which", nargs="+", choices=BUILDS, default=list(BUILDS), help="which are measured")
    asked = parser.parse_args(arguments)
    rows = asked.rows
    stored = np.concatenate(list(vector_batches(rows, DIM)))
    queries = next(vector_batches(QUERIES + WARM_UP, DIM, seed=99))
    exact = np.argsort(-(queries @ stored.T), axis=1)[:, :NEIGHBOURS]
    print(f"{rows:,} vectors of {DIM} dimensions, {QUERIES} queries, k = {NEIGHBOURS}")
    print("| index | recall@10 | wall ms p50 | p95 | CPU ms p50 | build, CPU s | memory, MB |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="reelindex-bench-") as folder:
        for name in asked.which:
            _print(BUILDS[name](stored, Path(folder)), queries, exact)
    return 0


def _print(built: Built, queries: Vectors, exact: NDArray[np.int64]) -> None:
    wall, cpu, shares = [], [], []
    for query, wanted in zip(queries, exact, strict=True):
        began = time.perf_counter(), time.process_time()
        found = built.ask(query)
        wall.append(time.perf_counter() - began[0])
        cpu.append(time.process_time() - began[1])
        shares.append(len(set(found[:NEIGHBOURS]) & set(wanted.tolist())) / NEIGHBOURS)
    times = [1000 * np.percentile(one[WARM_UP:], part) for one, part in ((wall, 50), (wall, 95), (cpu, 50))]
    cells = [f"{np.mean(shares[WARM_UP:]):.3f}", *(f"{one:.2f}" for one in times)]
    print(
        f"| {built.name} | {' | '.join(cells)} | {built.build_cpu_s:.0f} | {built.memory_mb:.0f} |",
        flush=True,
    )


def _measured(name: str, build: Callable[[], Ask]) -> Built:
    process = psutil.Process()
    held, began = process.memory_info().rss, time.process_time()
    ask = build()
    return Built(name, ask, time.process_time() - began, (process.memory_info().rss - held) / 2**20)


def _lance_exact(stored: Vectors, folder: Path) -> Built:
    lake, name = _filled(stored, folder)
    return _measured(f"reelindex without an index, depth {DEPTH}", lambda: _asks(lake, name))


def _lance_index(stored: Vectors, folder: Path) -> Built:
    lake, name = _filled(stored, folder)

    def build() -> Ask:
        ensure_indexes(lake, ann_from_rows=1)
        return _asks(lake, name)

    return _measured(f"reelindex (Lance IVF_RQ, compared again), depth {DEPTH}", build)


def _filled(stored: Vectors, folder: Path) -> tuple[Lake, str]:
    lake = Lake(folder)
    there = lake.vectors_tables()
    return lake, there[0] if there else fill_vectors(lake, "visual", VERSION, len(stored), DIM)


def _asks(lake: Lake, name: str) -> Ask:
    warm = WarmLake(lake.folder)
    names = lake.read(name, ["segment_id"])["segment_id"].to_pylist()
    place = {segment_id: row for row, segment_id in enumerate(names)}
    return lambda query: [place[one.segment_id] for one in search_vectors(warm, name, query, None, DEPTH)]


def _faiss_ivf_sq(stored: Vectors, folder: Path) -> Built:
    del folder
    import faiss

    faiss.omp_set_num_threads(1)
    lists = int(np.sqrt(len(stored)))

    def build() -> Ask:
        index = faiss.index_factory(DIM, f"IVF{lists},SQ8", faiss.METRIC_INNER_PRODUCT)
        index.train(stored[:: max(1, len(stored) // (64 * lists))])
        index.add(stored)
        faiss.extract_index_ivf(index).nprobe = 20
        return lambda query: index.search(query[None], NEIGHBOURS)[1][0].tolist()

    return _measured("faiss IVF_SQ8, 20 probes, not refined", build)


def _faiss_hnsw(stored: Vectors, folder: Path) -> Built:
    del folder
    import faiss

    def build() -> Ask:
        index = faiss.IndexHNSWFlat(DIM, 16, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = 80
        index.add(stored)
        index.hnsw.efSearch = 128
        return lambda query: index.search(query[None], NEIGHBOURS)[1][0].tolist()

    return _measured("faiss HNSW16, ef 128", build)


def _usearch(stored: Vectors, folder: Path) -> Built:
    del folder
    from usearch.index import Index

    def build() -> Ask:
        index = Index(ndim=DIM, metric="cos", dtype="f16", connectivity=16, expansion_add=80, expansion_search=128)
        index.add(np.arange(len(stored)), stored)
        return lambda query: index.search(query, NEIGHBOURS).keys.tolist()

    return _measured("usearch HNSW16 f16, ef 128", build)


BUILDS: Mapping[str, Callable[[Vectors, Path], Built]] = {
    "exact": _lance_exact,
    "own": _lance_index,
    "faiss_ivf": _faiss_ivf_sq,
    "faiss_hnsw": _faiss_hnsw,
    "usearch": _usearch,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
