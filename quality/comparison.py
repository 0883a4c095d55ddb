"""A candidate beside the live release: what the same queries find with either, and which of them change most."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from kernel.progress import Progress
from lake.query_log import QueryLog
from lake.releases import Release
from lake.schema import Space
from lake.store import Lake
from quality.evaluation_set import EvaluationSet
from quality.rank_metrics import (
    RECALL_AT,
    Difference,
    overlap,
    paired_difference,
    rank_correlation,
    rank_of,
    recall_at,
    reciprocal_ranks,
)

DEPTH = 10
MOST_CHANGED = 10
LOGGED_QUERIES = 200
"""Of the log of searches, the last ones, each once."""


@dataclass(frozen=True, slots=True)
class QueryChange:
    """One query and the videos that it finds, best first, live and with the candidate.

    `wanted` is the video that it should find, where that is known.
    """

    query: str
    wanted: str | None
    live: tuple[str, ...]
    candidate: tuple[str, ...]

    @property
    def overlap(self) -> float:
        """The share of the first ten that stays."""
        return overlap(self.live, self.candidate)


@dataclass(frozen=True, slots=True)
class Quality:
    """Metrics over the queries whose answers are known."""

    queries: int
    mean_reciprocal_rank: float
    recall: dict[int, float]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changes when a candidate goes live.

    Attributes:
        space, version: The candidate.
        live_release: The release it was compared with.
        queries: How many were asked of both.
        overlap_at_10: Mean over all queries.
        overlap_counts: Queries by the tenth that their overlap is nearest to, from 0 to 1: 11 numbers.
        first_changed: The share of the queries whose first video is another one.
        rank_correlation: Mean of Spearman's coefficient over the queries that have one; None without any.
        quality_live, quality_candidate, difference: Of the mean reciprocal rank; None without known answers.
        changes: The queries that change most, up to ten, the most changed first.
        unknown_paths: How many paths of the evaluation file name no video of the lake; `unknown_example` is one.
    """

    space: Space
    version: str
    live_release: int
    queries: int
    overlap_at_10: float
    overlap_counts: tuple[int, ...]
    first_changed: float
    rank_correlation: float | None
    quality_live: Quality | None
    quality_candidate: Quality | None
    difference: Difference | None
    changes: tuple[QueryChange, ...]
    unknown_paths: int = 0
    unknown_example: str = ""

    @property
    def known_queries(self) -> int:
        """How many of the queries have a known answer."""
        return self.quality_live.queries if self.quality_live else 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as they come back from JSON."""
        values: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Comparison:
        """The comparison that `to_dict` wrote."""
        live, candidate = (_quality_of(values[name]) for name in ("quality_live", "quality_candidate"))
        known = {
            "quality_live": live,
            "quality_candidate": candidate,
            "difference": values["difference"] and Difference(**values["difference"]),
            "changes": tuple(_change_of(one) for one in values["changes"]),
            "overlap_counts": tuple(values["overlap_counts"]),
        }
        return cls(**{**values, **known})


def _quality_of(values: Mapping[str, Any] | None) -> Quality | None:
    if values is None:
        return None
    # JSON knows no numbers as keys.
    recall = {int(k): share for k, share in values["recall"].items()}
    return Quality(values["queries"], values["mean_reciprocal_rank"], recall)


def _change_of(values: Mapping[str, Any]) -> QueryChange:
    return QueryChange(values["query"], values["wanted"], tuple(values["live"]), tuple(values["candidate"]))


def compare(
    lake: Lake,
    live: Release,
    proposed: Release,
    space: Space,
    known: EvaluationSet,
    cache_dir: Path | None,
    progress: Progress,
) -> Comparison | None:
    """Asks the queries with known answers, and those of the log, of both. None where there are no queries.

    Args:
        lake: Where both are searched.
        live: The release as it is.
        proposed: As it would be; no row of the lake.
        space: Where they differ.
        known: Queries whose answers are known.
        cache_dir: Where models keep derived files.
        progress: Told of every query.

    Raises:
        RetrievalError, EncoderError, LakeError: One of the two cannot be searched.
    """
    asked = [(query.text, query.video_id) for query in known.queries]
    texts = {text for text, _ in asked}
    logged = dict.fromkeys(query.query for query in QueryLog(lake).recent()[::-1])
    only_logged = [text for text in logged if text not in texts][:LOGGED_QUERIES]
    queries: list[tuple[str, str | None]] = [*asked, *((text, None) for text in only_logged)]
    if not queries:
        return None
    with progress.task("comparing with the live release", 2 * len(queries), "queries") as advance:
        answers = [_answers(lake.folder, release, queries, cache_dir, advance) for release in (live, proposed)]
    changes = [
        QueryChange(text, wanted, before, after)
        for (text, wanted), before, after in zip(queries, *answers, strict=True)
    ]
    return _comparison(space, proposed.spaces[space], live, changes, known.unknown)


def _answers(
    lake_folder: Path,
    release: Release,
    queries: Sequence[tuple[str, str | None]],
    cache_dir: Path | None,
    advance: Callable[[int], object],
) -> list[tuple[str, ...]]:
    from retrieval import open_index

    with open_index(lake_folder, cache_dir=cache_dir, release=release) as index:
        found = index.search_all([text for text, _ in queries], limit=DEPTH, advance=advance)
    return [
        tuple(answer.video_ids(() if wanted is None else (wanted,)))
        for answer, (_, wanted) in zip(found, queries, strict=True)
    ]


def _comparison(
    space: Space, version: str, live: Release, changes: Sequence[QueryChange], unknown: tuple[str, ...]
) -> Comparison:
    judged = [change for change in changes if change.wanted is not None]
    ranks = [
        [rank_of(change.wanted or "", found) for change, found in zip(judged, side, strict=True)]
        for side in ([change.live for change in judged], [change.candidate for change in judged])
    ]
    correlations = [rank_correlation(change.live, change.candidate) for change in changes]
    defined = [one for one in correlations if one is not None]
    nearest_tenth = Counter(round(10 * change.overlap) for change in changes)
    return Comparison(
        space=space,
        version=version,
        live_release=live.release_id,
        queries=len(changes),
        overlap_at_10=mean(change.overlap for change in changes),
        overlap_counts=tuple(nearest_tenth[tenth] for tenth in range(11)),
        first_changed=mean(change.live[:1] != change.candidate[:1] for change in changes),
        rank_correlation=mean(defined) if defined else None,
        quality_live=_quality(ranks[0]),
        quality_candidate=_quality(ranks[1]),
        difference=paired_difference(reciprocal_ranks(ranks[1]), reciprocal_ranks(ranks[0])) if judged else None,
        changes=tuple(sorted(changes, key=_stability)[:MOST_CHANGED]),
        unknown_paths=len(unknown),
        unknown_example=unknown[0] if unknown else "",
    )


def _stability(change: QueryChange) -> tuple[float, float, str]:
    correlation = rank_correlation(change.live, change.candidate)
    return change.overlap, 1.0 if correlation is None else correlation, change.query


def _quality(ranks: Sequence[int | None]) -> Quality | None:
    if not ranks:
        return None
    recall = {k: recall_at(ranks, k) for k in RECALL_AT}
    return Quality(len(ranks), float(reciprocal_ranks(ranks).mean()), recall)
