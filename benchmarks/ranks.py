"""How high the wanted video stands in rankings: recall and reciprocal rank.

Each query has one video that it was written for, so recall@k is also the hit rate: the share of queries whose video is
among the first k.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

RECALL_AT = (1, 5, 10)


def rank_of(wanted: str, found: Sequence[str]) -> int | None:
    """The place of `wanted` among the distinct ids of a ranking, from 1; None where it is not in it."""
    distinct = list(dict.fromkeys(found))
    return distinct.index(wanted) + 1 if wanted in distinct else None


@dataclass(frozen=True, slots=True)
class Relevance:
    """Metrics over a set of queries, each in [0, 1].

    Attributes:
        recall: By k, the share of queries whose video is among the first k.
        mean_reciprocal_rank: Mean of 1 / rank; 0 for a query whose video was not found.
    """

    queries: int
    recall: dict[int, float]
    mean_reciprocal_rank: float


def relevance(ranks: Sequence[int | None], recall_at: Sequence[int] = RECALL_AT) -> Relevance:
    """The metrics of the ranks of all queries, None where a video was not found.

    Raises:
        ValueError: There are no queries.
    """
    if not ranks:
        raise ValueError("no metric of no queries")
    found = [rank for rank in ranks if rank is not None]
    return Relevance(
        queries=len(ranks),
        recall={k: sum(rank <= k for rank in found) / len(ranks) for k in recall_at},
        mean_reciprocal_rank=sum(1 / rank for rank in found) / len(ranks),
    )
