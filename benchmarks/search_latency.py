"""How long a search takes, by stage, over a corpus as large as you like.

    python -m benchmarks.search_latency [--rows 200000] [--keep FOLDER]

A lake is made: vectors with a realistic spectrum in both spaces (768 and 384 dimensions, as the default models have),
and documents whose words are as frequent as words are (Zipf). The queries are vectors near stored ones, and two to six
words of a document; they are given, so that no model is timed. Printed are wall and CPU time a search: of each leg by
itself and of the whole search; and how many of the ten nearest of an exact search the vector legs find.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.synthetic_vectors import fill_vectors, vector_batches
from lake.releases import Releases
from lake.schema import DOCUMENTS, Space, vectors_table_name
from lake.store import Lake
from retrieval import Index
from retrieval.indexes import ensure_indexes
from retrieval.legs import search_vectors
from retrieval.warm_lake import WarmLake
from settings.model import SearchSettings

QUERIES = 200
WARM_UP = 20
DIMENSIONS: dict[Space, int] = {"visual": 768, "text": 384}
VERSION = "synthetic-1"
VOCABULARY = 30_000
WORDS_SAID, WORDS_SEEN = 12, 2
SPEAKING_SHARE = 0.6
ROWS_A_WRITE = 50_000


class GivenVectors:
    """Queries whose vectors are known beforehand: `embed` looks them up."""

    def __init__(self, dimensions: dict[Space, int], texts: Sequence[str]) -> None:
        self._vectors: dict[int, dict[str, NDArray[np.float32]]] = {
            dim: dict(zip(texts, next(vector_batches(len(texts), dim, seed=99)), strict=True))
            for dim in dimensions.values()
        }
        self._other: dict[int, NDArray[np.float32]] = {
            dim: next(vector_batches(1, dim, seed=7))[0] for dim in dimensions.values()
        }

    def embed(self, version: str, query: str) -> NDArray[np.float32]:
        """The vector of a query; one and the same for all that are not known."""
        dim = DIMENSIONS["visual"] if version.startswith("visual") else DIMENSIONS["text"]
        return self._vectors[dim].get(query, self._other[dim])


def main(arguments: Sequence[str]) -> int:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--keep", type=Path, help="where the lake is made, or lies from a run before")
    asked = parser.parse_args(arguments)
    with _folder(asked.keep) as folder:
        if not Lake.exists(folder):
            began = time.monotonic()
            fill(Lake(folder), asked.rows)
            print(f"made in {time.monotonic() - began:.0f} s")
        _measure(folder, _texts(QUERIES))
    return 0


def fill(lake: Lake, rows: int) -> None:
    """Makes the corpus, its indexes and a release of it."""
    for space, dim in DIMENSIONS.items():
        fill_vectors(lake, space, f"{space}-{VERSION}", rows, dim)
    _write_documents(lake)
    began = time.monotonic()
    ensure_indexes(lake)
    print(f"indexed in {time.monotonic() - began:.0f} s")
    spaces: dict[str, str] = {space: f"{space}-{VERSION}" for space in DIMENSIONS}
    Releases(lake).append(
        kind="first",
        spaces=spaces,
        fusion=SearchSettings().fusion(),
        evidence={},
        reason="a benchmark",
        after=None,
    )


def _texts(count: int, seed: int = 5) -> list[str]:
    random = np.random.default_rng(seed)
    return [" ".join(_words(random, int(random.integers(2, 7)))) for _ in range(count)]


def _words(random: np.random.Generator, count: int) -> list[str]:
    return [f"w{min(int(number), VOCABULARY)}" for number in random.zipf(1.3, count)]


def _write_documents(lake: Lake) -> None:
    random = np.random.default_rng(1)
    name = vectors_table_name("visual", f"visual-{VERSION}")
    columns = ["segment_id", "video_id", "bucket", "start_ms", "end_ms"]
    keys = lake.read(name, columns)
    for start in range(0, keys.num_rows, ROWS_A_WRITE):
        part = keys.slice(start, ROWS_A_WRITE).combine_chunks()
        said = random.random(part.num_rows) < SPEAKING_SHARE
        texts = {
            "caption": [" ".join(_words(random, WORDS_SEEN)) for _ in range(part.num_rows)],
            "transcript": [" ".join(_words(random, WORDS_SAID)) if one else "" for one in said],
            "screen": [""] * part.num_rows,
        }
        made = dict.fromkeys(DOCUMENTS.schema.names[8:], ["made"] * part.num_rows)
        table = pa.table({**{one: part[one] for one in columns}, **texts, **made}, schema=DOCUMENTS.schema)
        lake.snapshot(DOCUMENTS.name).insert(table)


def _measure(folder: Path, texts: Sequence[str]) -> None:
    encoders = GivenVectors(DIMENSIONS, texts)
    lake = WarmLake(folder)
    with Index(lake, encoders) as index:
        rows = lake.count(DOCUMENTS.name)
        print(f"{rows:,} segments; milliseconds a search, {len(texts) - WARM_UP} queries")
        print("| | wall p50 | wall p95 | CPU p50 | CPU p95 |")
        print("|---|---|---|---|---|")
        legs = ("caption", "transcript", "visual", "text")
        for leg in legs:
            _print(f"leg `{leg}`", texts, partial(index.search, legs=[leg]))
        _print("all legs, second stage, results", texts, index.search)
        _print("the same again, from the cache", texts, index.search)
    for space in DIMENSIONS:
        print(f"recall@10 of `{space}`: {_recall(lake, space, encoders, texts[:50]):.3f}")


def _print(name: str, texts: Sequence[str], search: Callable[[str], object]) -> None:
    wall, cpu = [], []
    for text in texts:
        began = time.perf_counter(), time.process_time()
        search(text)
        wall.append(time.perf_counter() - began[0])
        cpu.append(time.process_time() - began[1])
    cells = [1000 * np.percentile(one[WARM_UP:], part) for one in (wall, cpu) for part in (50, 95)]
    print(f"| {name} | " + " | ".join(f"{one:.1f}" for one in cells) + " |", flush=True)


def _recall(lake: WarmLake, space: Space, encoders: GivenVectors, texts: Sequence[str]) -> float:
    version = f"{space}-{VERSION}"
    table = vectors_table_name(space, version)
    shares = []
    for text in texts:
        vector = encoders.embed(version, text)
        exact = {"column": "vector", "q": vector, "k": 10, "metric": "cosine", "use_index": False}
        wanted = lake.snapshot(table).to_table(
            columns=["segment_id"], nearest=exact, disable_scoring_autoprojection=True
        )
        found = {one.segment_id for one in search_vectors(lake, table, vector, None, 50)[:10]}
        shares.append(len(found & set(wanted["segment_id"].to_pylist())) / 10)
    return float(np.mean(shares))


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="reelindex-bench-") as folder:
        yield Path(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
