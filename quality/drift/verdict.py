"""What two scores and their thresholds say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lake.drift_references import Thresholds
from quality.drift.methods import Scores


class Drift(StrEnum):
    """How sure it is."""

    TOO_FEW = "too few videos"
    NONE = "none"
    ONE_METHOD = "one method alone"
    BOTH_METHODS = "both methods"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the current videos are unlike the reference. Scores and thresholds are None where there are too few."""

    drift: Drift
    scores: Scores | None = None
    thresholds: Thresholds | None = None


def judge(scores: Scores, thresholds: Thresholds) -> Verdict:
    """Both methods above what one split of twenty exceeds: drift. One above what no split exceeded: a warning."""
    if scores.auc > thresholds.auc and scores.mmd > thresholds.mmd:
        return Verdict(Drift.BOTH_METHODS, scores, thresholds)
    if scores.auc > thresholds.auc_alone or scores.mmd > thresholds.mmd_alone:
        return Verdict(Drift.ONE_METHOD, scores, thresholds)
    return Verdict(Drift.NONE, scores, thresholds)
