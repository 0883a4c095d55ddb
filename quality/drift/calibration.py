"""Thresholds measured where nothing has drifted: between random parts of the reference itself, split by video."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lake.drift_references import Thresholds
from quality.drift.methods import scores

SPLITS = 100
QUANTILE = 0.95
_SEED = 0


def calibrate(
    means: NDArray[np.float32], current: int, advance: Callable[[float], object] = lambda amount: None
) -> Thresholds:
    """How large the scores get by chance when `current` of the reference's videos are held against the others.

    Both methods exceed their 95 % quantile at once in fewer than one of twenty looks: that is the false-alarm rate of
    an error (`benchmarks/drift_power.py` measures it).

    Args:
        means: float32 `(videos, dim)`, at least twice `current` videos.
        current: How many videos are on the smaller side.
        advance: Told of every split.

    Raises:
        ValueError: There are too few videos to split.
    """
    if len(means) < 2 * current:
        raise ValueError(f"{len(means)} videos cannot be split into {current} and at least as many")
    random = np.random.default_rng(_SEED)
    found = []
    for _ in range(SPLITS):
        order = random.permutation(len(means))
        found.append(scores(means[order[current:]], means[order[:current]]))
        advance(1)
    auc, mmd = np.array([one.auc for one in found]), np.array([one.mmd for one in found])
    return Thresholds(
        auc=float(np.quantile(auc, QUANTILE)),
        mmd=float(np.quantile(mmd, QUANTILE)),
        auc_alone=float(auc.max()),
        mmd_alone=float(mmd.max()),
        splits=SPLITS,
        reference=len(means) - current,
        current=current,
    )
