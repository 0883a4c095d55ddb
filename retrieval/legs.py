"""The legs of a search: words in captions, in transcripts and on the pictures, and the vectors of each space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lake.errors import LakeError
from lake.schema import DOCUMENTS, SPACES, Space
from lake.store import Lake

WordsLeg = Literal["caption", "transcript", "screen"]
WORDS_LEGS: tuple[WordsLeg, ...] = ("caption", "transcript", "screen")
"""Legs by the column of `documents` that they search; a vector leg has the name of its space."""
VECTOR_LEGS: tuple[Space, ...] = SPACES
LEGS: tuple[str, ...] = (*WORDS_LEGS, *VECTOR_LEGS)

REFINE_FACTOR = 2
"""An index compares quantized vectors; twice the candidates are compared again in full."""

MOST_WITH_PHRASE = 1000

_COLUMNS = ["segment_id", "video_id", "start_ms", "end_ms"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A segment that a leg found; `rank` from 1, shared by equal scores; `words` are what a words leg searched."""

    segment_id: str
    video_id: str
    start_ms: int
    end_ms: int
    rank: int
    score: float
    words: str = ""


def search_words(lake: Lake, leg: WordsLeg, query: str, where: str | None, depth: int) -> list[Candidate]:
    """The segments whose caption, transcript or pictures have the most telling words of a query, by BM25.

    The query is taken as words, never as an expression: quotes and operators are text. A row that is not in the index
    yet is found by reading it.
    """
    from lance.query import MatchQuery

    documents = lake.snapshot(DOCUMENTS.name)
    found = documents.to_table(
        columns=[*_COLUMNS, leg, "_score"],
        full_text_query=MatchQuery(query, leg),
        filter=where,
        prefilter=True,
        limit=depth,
        disable_scoring_autoprojection=True,
    )
    return _ranked(found, np.asarray(found["_score"], dtype=np.float64), found[leg].to_pylist())


def with_phrase(lake: Lake, phrase: str, where: str | None) -> list[str]:
    """The segments in whose caption, transcript or pictures a phrase occurs: its words, up to their endings, in order.

    At most `MOST_WITH_PHRASE` of each leg, the most telling first.
    """
    from lance.query import PhraseQuery

    documents = lake.snapshot(DOCUMENTS.name)
    found: set[str] = set()
    for leg in WORDS_LEGS:
        rows = documents.to_table(
            columns=["segment_id"],
            full_text_query=PhraseQuery(phrase, leg),
            filter=where,
            prefilter=True,
            limit=MOST_WITH_PHRASE,
            disable_scoring_autoprojection=True,
        )
        found.update(rows["segment_id"].to_pylist())
    return sorted(found)


def search_vectors(
    lake: Lake, table: str, vector: NDArray[np.float32], where: str | None, depth: int
) -> list[Candidate]:
    """The segments whose vectors have the highest cosine with `vector`, float32 `(dim,)`.

    Exact while the table has no index. With one, partitions beyond the nearest are read until `depth` rows have met
    the filter, so that a narrow filter does not cost results; rows that are not in the index yet are compared exactly.

    Raises:
        LakeError: There is no such table.
    """
    if not lake.has_table(table):
        raise LakeError(
            "the vectors that the release names are not here.",
            where=f"{lake.folder}/{table}",
            remedy="`reelindex rollback` goes back to the release before; `reelindex backfill` makes them again.",
        )
    found = lake.snapshot(table).to_table(
        columns=[*_COLUMNS, "_distance"],
        nearest={"column": "vector", "q": vector, "k": depth, "metric": "cosine", "refine_factor": REFINE_FACTOR},
        filter=where,
        prefilter=True,
        disable_scoring_autoprojection=True,
    )
    return _ranked(found, 1.0 - np.asarray(found["_distance"], dtype=np.float64), [""] * found.num_rows)


def _ranked(found: pa.Table, scores: NDArray[np.float64], words: Sequence[str]) -> list[Candidate]:
    """Rows to candidates, best first.

    Equal scores share a rank: short captions repeat, and no order among them is better than another. Their names only
    make the order the same every time.
    """
    rows: Sequence[tuple[str, str, int, int]] = list(zip(*(found[name].to_pylist() for name in _COLUMNS), strict=True))
    order = sorted(range(len(rows)), key=lambda row: (-scores[row], rows[row][0]))
    candidates: list[Candidate] = []
    for place, row in enumerate(order, start=1):
        score = float(scores[row])
        tied = candidates and candidates[-1].score == score
        rank = candidates[-1].rank if tied else place
        candidates.append(Candidate(*rows[row], rank=rank, score=score, words=words[row]))
    return candidates
