"""Reciprocal rank fusion: one ranking from several whose scores cannot be compared.

Source: Cormack, Clarke & Buettcher 2009, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning
Methods", with a weight for each leg.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from retrieval.errors import BadFusion

K = 60.0
"""The constant of the paper."""


@dataclass(frozen=True, slots=True)
class Fusion:
    """How legs are fused: score(segment) = sum over the legs that found it of weight / (k + rank).

    Attributes:
        k: The larger, the less the first places are worth over the later ones; at least 0.
        weights: The weight of each leg, at least 0. A leg of weight 0, or not named, has no part.

    Raises:
        BadFusion: A weight or `k` is negative or not finite.
    """

    k: float = K
    weights: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in {"k": self.k, **self.weights}.items():
            if not math.isfinite(value) or value < 0:
                raise BadFusion(f"must be a finite number of at least 0, not {value}.", where=f"fusion.{name}")

    @classmethod
    def from_release(cls, mapping: Mapping[str, float]) -> Fusion:
        """Reads a release's `{"k": 60, "<leg>": <weight>, ...}`; without `k` it is 60.

        Raises:
            BadFusion: A weight or `k` is negative or not finite.
        """
        weights = {leg: float(weight) for leg, weight in mapping.items() if leg != "k"}
        return cls(float(mapping.get("k", K)), weights)

    def of_legs(self, legs: tuple[str, ...]) -> Fusion:
        """The same fusion of these legs alone; a leg without a weight gets 1, since somebody asked for it by name."""
        return replace(self, weights={leg: self.weights.get(leg) or 1.0 for leg in legs})


def fuse(rankings: Mapping[str, Mapping[str, int]], fusion: Fusion) -> list[tuple[str, float]]:
    """Fuses the legs' rankings.

    Args:
        rankings: By leg, the rank of each subject it found; ranks count from 1, and ties may share one.
        fusion: Weights and `k`.

    Returns:
        Subjects with their scores, best first; equal scores in the order of the subjects' names. The order in which
        the legs are given changes nothing, not even the last bit of a score.
    """
    shares: dict[str, list[float]] = defaultdict(list)
    for leg, ranks in rankings.items():
        weight = fusion.weights.get(leg, 0.0)
        if weight == 0:
            continue
        for subject, rank in ranks.items():
            shares[subject].append(weight / (fusion.k + rank))
    scores = ((subject, math.fsum(parts)) for subject, parts in shares.items())
    return sorted(scores, key=lambda scored: (-scored[1], scored[0]))
