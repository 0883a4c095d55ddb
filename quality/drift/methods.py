"""How far two windows are apart, by two methods of Evidently that see different things.

A classifier that tells the two apart (area under its curve; 0.5 is chance) sees what a few directions give away; the
maximum mean discrepancy (Gretton et al. 2012) sees a change of shape all over. Their own thresholds are for thousands
of independent rows; ours are measured (`quality.drift.calibration`).
"""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Scores:
    """`auc` of the classifier, from 0 to 1; `mmd`, squared, from 0."""

    auc: float
    mmd: float


def scores(reference: NDArray[np.float32], current: NDArray[np.float32]) -> Scores:
    """Both scores of two windows, each float32 `(videos, dim)`. The same windows give the same scores."""
    forbid_telemetry()
    import pandas as pd
    from evidently.legacy.metrics.data_drift.embedding_drift_methods import MMDDriftMethod, ModelDriftMethod

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # A frame each: the methods write into what they are given.
        auc, _, _ = ModelDriftMethod()(pd.DataFrame(current), pd.DataFrame(reference))
        mmd, _, _ = MMDDriftMethod()(pd.DataFrame(current), pd.DataFrame(reference))
    return Scores(float(auc), float(mmd))


def forbid_telemetry() -> None:
    """Evidently's service reports its use unless it is told not to before it is imported."""
    os.environ.setdefault("DO_NOT_TRACK", "1")
