"""The legs of a search: words in captions, in transcripts and on the pictures, and the vectors of each space."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kernel.identity import times_of_segment, video_id_of_segment
from lake.errors import LakeError
from lake.schema import DOCUMENTS, SPACES, Space
from lake.store import Lake
from lake.vectors import lengths, rows_of, unit

WordsLeg = Literal["caption", "transcript", "screen"]
WORDS_LEGS: tuple[WordsLeg, ...] = ("caption", "transcript", "screen")
"""Legs by the column of `documents` that they search; a vector leg has the name of its space."""
VECTOR_LEGS: tuple[Space, ...] = SPACES
LEGS: tuple[str, ...] = (*WORDS_LEGS, *VECTOR_LEGS)

DEPTH = 40
"""Candidates that a leg contributes unless a search says otherwise."""
PART_OF_DEPTH = {"visual": 1.0, "text": 0.5, "transcript": 0.5, "caption": 0.3, "screen": 0.3}
"""Beside other legs, one whose later candidates never come first contributes fewer: they cost as much as early ones."""
PARTITION_ROWS = 1024
"""Vectors of a partition of an index. As a table grows, Lance splits partitions and joins others to keep to it."""
QUANTIZED_SPARE = 10
"""An index compares quantized vectors; so many more than are asked for are compared again in full."""

MOST_WITH_PHRASE = 1000


def partitions_to_read(rows: int) -> int:
    """How many of the partitions of an index over so many vectors a search reads.

    Queries in words lie apart from pictures, so that their neighbours are spread over more partitions than those of
    another picture would be. Chosen by measured recall (docs/performance.md); a gate measures it on each corpus.
    """
    return max(1, math.ceil(4.5 * math.sqrt(rows / PARTITION_ROWS)))


def depth_beside_others(leg: str, depth: int = DEPTH) -> int:
    """The candidates that a leg contributes to a search of this depth that asks other legs too."""
    return math.ceil(depth * PART_OF_DEPTH[leg])


@dataclass(frozen=True, slots=True)
class Candidate:
    """A segment that a leg found.

    Attributes:
        segment_id: Names its video and its times.
        rank: From 1, shared by equal scores.
        score: The leg's own, higher is better.
        words: What a words leg searched.
        vector: What a vector leg compared, float32 `(dim,)`.
    """

    segment_id: str
    rank: int
    score: float
    words: str = ""
    vector: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)

    @property
    def video_id(self) -> str:
        """The video that it is a part of."""
        return video_id_of_segment(self.segment_id)

    @property
    def times_ms(self) -> tuple[int, int]:
        """Start and end on the video's presentation timeline."""
        return times_of_segment(self.segment_id)


def search_words(lake: Lake, leg: WordsLeg, query: str, where: str | None, depth: int) -> list[Candidate]:
    """The segments whose caption, transcript or pictures have the most telling words of a query, by BM25.

    The query is taken as words, never as an expression: quotes and operators are text. A row that is not in the index
    yet is found by reading it.
    """
    from lance.query import MatchQuery

    documents = lake.snapshot(DOCUMENTS.name)
    found = documents.to_table(
        columns=["segment_id", leg, "_score"],
        full_text_query=MatchQuery(query, leg),
        filter=where,
        prefilter=True,
        limit=depth,
        disable_scoring_autoprojection=True,
    )
    words = found[leg].to_pylist()
    return _ranked(found["segment_id"].to_pylist(), found["_score"].to_pylist(), lambda row: {"words": words[row]})


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
    lake: Lake, table: str, vector: NDArray[np.float32], where: str | None, depth: int, *, exactly: bool = False
) -> list[Candidate]:
    """The segments whose vectors have the highest cosine with `vector`, float32 `(dim,)`.

    Exact while the table has no index. With one, partitions beyond the nearest are read until enough rows have met
    the filter, so that a narrow filter does not cost results; rows that are not in the index yet are compared exactly.
    Scores are exact cosines either way.

    Args:
        lake: With the table.
        table: The vectors of a version.
        vector: The query; its length does not matter.
        where: What a segment must meet.
        depth: Candidates at most.
        exactly: Passes over an index.

    Raises:
        LakeError: There is no such table.
    """
    if not lake.has_table(table):
        raise LakeError(
            "the vectors that the release names are not here.",
            where=f"{lake.folder}/{table}",
            remedy="`reelindex rollback` goes back to the release before; `reelindex backfill` makes them again.",
        )
    snapshot = lake.snapshot(table)
    partitions = partitions_to_read(snapshot.count_rows())
    found = snapshot.to_table(
        columns=["segment_id", "vector", "_distance"],
        nearest={
            "column": "vector",
            "q": vector,
            "k": depth + QUANTIZED_SPARE,
            "metric": "cosine",
            "minimum_nprobes": partitions,
            # Without a filter there are always enough, and Lance would read on for candidates that nobody needs.
            "maximum_nprobes": partitions if where is None else None,
            "use_index": not exactly,
        },
        filter=where,
        prefilter=True,
        disable_scoring_autoprojection=True,
    )
    stored = rows_of(found["vector"])
    scores = (stored @ unit(vector[None])[0] / lengths(stored)).astype(np.float64).tolist()
    return _ranked(found["segment_id"].to_pylist(), scores, lambda row: {"vector": stored[row]})[:depth]


def _ranked(
    segment_ids: Sequence[str], scores: Sequence[float], described: Callable[[int], dict[str, Any]]
) -> list[Candidate]:
    """Rows to candidates, best first.

    Equal scores share a rank: short captions repeat, and no order among them is better than another. Their names only
    make the order the same every time.
    """
    order = sorted(range(len(segment_ids)), key=lambda row: (-scores[row], segment_ids[row]))
    candidates: list[Candidate] = []
    for place, row in enumerate(order, start=1):
        tied = candidates and candidates[-1].score == scores[row]
        rank = candidates[-1].rank if tied else place
        candidates.append(Candidate(segment_ids[row], rank, scores[row], **described(row)))
    return candidates
