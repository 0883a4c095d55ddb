"""One ranking from several legs: by the strength of what each leg found, or by the ranks alone.

Either way a segment's score is the sum over the legs of a weight times a share. By ranks, the share is `1 / (k + rank)`
(reciprocal rank fusion: Cormack, Clarke & Buettcher 2009): it needs no scale, and cannot tell a leg that is sure from
one that guesses. By scores, the share is how far a leg's score is beyond chance (`retrieval.strength`); a weighted sum
of scores on one scale is what Bruch, Gai & Ingber 2023 find better than ranks, in and out of their domain.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from retrieval.errors import BadFusion

K = "k"
CONTEXT = "context"


@dataclass(frozen=True, slots=True)
class Fusion:
    """How legs are fused.

    Attributes:
        k: Of reciprocal rank fusion, at least 0: the larger, the less the first places are worth over the later ones.
            None fuses by scores.
        weights: The weight of each leg, at least 0. A leg of weight 0, or not named, has no part.
        context: By scores: what the pictures near a segment in time count in its own score, from 0 to 1.

    Raises:
        BadFusion: A value is negative or not finite, or `context` is above 1.
    """

    k: float | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    context: float = 0.0

    def __post_init__(self) -> None:
        for name, value in {K: self.k or 0.0, CONTEXT: self.context, **self.weights}.items():
            if not math.isfinite(value) or value < 0:
                raise BadFusion(f"must be a finite number of at least 0, not {value}.", where=f"fusion.{name}")
        if self.context > 1:
            raise BadFusion(f"must be at most 1, not {self.context}.", where=f"fusion.{CONTEXT}")

    @classmethod
    def from_release(cls, mapping: Mapping[str, float]) -> Fusion:
        """Reads a release's `{"<leg>": <weight>, ...}`, with `k` if it fuses ranks or `context` if scores.

        Raises:
            BadFusion: A value is negative or not finite, or `context` is above 1.
        """
        weights = {leg: float(weight) for leg, weight in mapping.items() if leg not in (K, CONTEXT)}
        k = mapping.get(K)
        return cls(None if k is None else float(k), weights, float(mapping.get(CONTEXT, 0.0)))

    def of_legs(self, legs: tuple[str, ...]) -> Fusion:
        """The same fusion of these legs alone; a leg without a weight gets 1, since somebody asked for it by name."""
        return replace(self, weights={leg: self.weights.get(leg) or 1.0 for leg in legs})


def by_ranks(rankings: Mapping[str, Mapping[str, int]], k: float) -> dict[str, dict[str, float]]:
    """The shares of reciprocal rank fusion.

    Args:
        rankings: By leg, the rank of each subject it found; ranks count from 1, and ties may share one.
        k: The constant.
    """
    return {leg: {subject: 1.0 / (k + rank) for subject, rank in ranks.items()} for leg, ranks in rankings.items()}


def fuse(shares: Mapping[str, Mapping[str, float]], weights: Mapping[str, float]) -> list[tuple[str, float]]:
    """Adds up what the legs give each subject.

    Args:
        shares: By leg, what each subject gets from it for a weight of 1.
        weights: By leg; one that is not named has none.

    Returns:
        Subjects with their scores, best first; equal scores in the order of the subjects' names. The order in which
        the legs are given changes nothing, not even the last bit of a score.
    """
    parts: dict[str, list[float]] = defaultdict(list)
    for leg, by_subject in shares.items():
        weight = weights.get(leg, 0.0)
        if weight:
            for subject, share in by_subject.items():
                parts[subject].append(weight * share)
    scores = ((subject, math.fsum(each)) for subject, each in parts.items())
    return sorted(scores, key=lambda scored: (-scored[1], scored[0]))
