"""How high the wanted video stands, and whether one set of rankings is worse than another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RECALL_AT = (1, 5, 10)
RESAMPLES = 10_000
DRAWN_AT_ONCE = 1_000_000
CONFIDENCE = 0.95


def rank_of(wanted: str, found: Sequence[str]) -> int | None:
    """The place of `wanted` in a ranking without repetitions, from 1; None where it is not in it."""
    return list(found).index(wanted) + 1 if wanted in found else None


def reciprocal_ranks(ranks: Sequence[int | None]) -> NDArray[np.float64]:
    """1 / rank of each query, 0 where the video was not found: float64 `(n,)`."""
    return np.array([0.0 if rank is None else 1.0 / rank for rank in ranks])


def recall_at(ranks: Sequence[int | None], k: int) -> float:
    """The share of queries whose video is among the first `k`."""
    return sum(rank is not None and rank <= k for rank in ranks) / len(ranks)


@dataclass(frozen=True, slots=True)
class Difference:
    """A mean difference over queries, with the bounds between which it lies with 90 % confidence.

    `low` is therefore the one-sided bound that the true difference exceeds with 95 % confidence.
    """

    mean: float
    low: float
    high: float


def paired_difference(candidate: NDArray[np.float64], live: NDArray[np.float64], *, seed: int = 0) -> Difference:
    """The mean of `candidate - live` by paired bootstrap over queries; the same for the same numbers.

    Source: Efron & Tibshirani 1993, "An Introduction to the Bootstrap", percentile intervals.

    Args:
        candidate: A metric of every query, float64 `(n,)`, n at least 1.
        live: The same of the same queries.
        seed: Of the resampling.
    """
    differences = candidate - live
    # Drawn in parts: all at once would take 80 MB for every thousand queries.
    random, part = np.random.default_rng(seed), max(1, DRAWN_AT_ONCE // len(differences))
    means = np.concatenate(
        [
            differences[
                random.integers(0, len(differences), size=(min(part, RESAMPLES - done), len(differences)))
            ].mean(1)
            for done in range(0, RESAMPLES, part)
        ]
    )
    low, high = np.quantile(means, [1 - CONFIDENCE, CONFIDENCE])
    return Difference(float(differences.mean()), float(low), float(high))


def overlap(left: Sequence[str], right: Sequence[str]) -> float:
    """The share of the longer ranking's subjects that both have; 1 where both are empty."""
    longer = max(len(left), len(right))
    return len(set(left) & set(right)) / longer if longer else 1.0


def rank_correlation(left: Sequence[str], right: Sequence[str]) -> float | None:
    """Spearman's coefficient over the subjects of both rankings; one that a ranking lacks stands behind its last.

    None where the two have fewer than two subjects between them.
    """
    subjects = sorted(set(left) | set(right))
    if len(subjects) < 2:
        return None
    places = [[_place(subject, ranking) for subject in subjects] for ranking in (left, right)]
    a, b = (_centred_ranks(np.array(one, dtype=float)) for one in places)
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum() / scale) if scale else None


def _place(subject: str, ranking: Sequence[str]) -> int:
    return rank_of(subject, ranking) or len(ranking) + 1


def _centred_ranks(places: NDArray[np.float64]) -> NDArray[np.float64]:
    # Ties share the mean of their ranks.
    _, inverse, counts = np.unique(places, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    means = (ends - counts + 1 + ends) / 2
    ranks: NDArray[np.float64] = means[inverse] - (len(places) + 1) / 2
    return ranks
