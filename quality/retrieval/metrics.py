"""Ranking metrics, by ir-measures, with what the choice of questions leaves open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lake.retrieval_quality import Estimate, Found

RESAMPLES = 2000
_BOUNDS = (0.025, 0.975)

Values = Mapping[str, NDArray[np.float64]]


def values_of(wanted: Sequence[Sequence[str]], found: Sequence[Sequence[str]]) -> Values:
    """Every metric of every question, float64 `(n,)`.

    Args:
        wanted: By question, the videos that answer it.
        found: By question, the videos that were found, best first, each once.
    """
    from ir_measures import RR, R, iter_calc, nDCG

    measures = {str(R @ k): f"recall@{k}" for k in (1, 5, 10)} | {str(nDCG @ 10): "ndcg@10", str(RR): "mrr"}
    qrels = {str(number): dict.fromkeys(videos, 1) for number, videos in enumerate(wanted)}
    run = {
        str(number): {video: float(len(videos) - place) for place, video in enumerate(videos)}
        for number, videos in enumerate(found)
    }
    values = {name: np.zeros(len(wanted)) for name in measures.values()}
    for one in iter_calc([R @ 1, R @ 5, R @ 10, nDCG @ 10, RR], qrels, run):
        values[measures[str(one.measure)]][int(one.query_id)] = one.value
    return values


def summed_up(values: Values, chosen: NDArray[np.int64], *, seed: int = 0) -> Found:
    """The means over some questions, with percentile intervals by bootstrap (Efron & Tibshirani 1993)."""
    drawn = np.random.default_rng(seed).integers(0, len(chosen), (RESAMPLES, len(chosen)))
    metrics = {}
    for name, each in values.items():
        low, high = np.quantile(each[chosen][drawn].mean(axis=1), _BOUNDS)
        metrics[name] = Estimate(float(each[chosen].mean()), float(low), float(high))
    return Found(len(chosen), metrics)
