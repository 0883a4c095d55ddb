"""How likely a place in a list is looked at, and what a click there is worth.

What is clicked was seen first, and people look from the top: a click far down says more than one at the top. Each is
weighted by the inverse of the probability that its place was examined (Joachims, Swaminathan & Schnabel 2017, "Unbiased
Learning-to-Rank with Biased Feedback"), here `(1 / rank) ** eta`, their model.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.preferences.judgements import Judgement

DEFAULT_ETA = 1.0
"""What the paper uses where nothing is known: a place is looked at in proportion to 1 / rank."""
MAX_ETA = 3.0
MIN_PROPENSITY = 0.1
"""Weights stop at ten: the clipping of the paper, less variance for a little bias."""
MIN_CLICKS = 50
"""Fewer clicks on results that were seen at several places do not tell how people look."""


@dataclass(frozen=True, slots=True)
class Propensity:
    """The examination model.

    Attributes:
        eta: How steeply attention falls with the rank; 0 is not at all.
        clicks: How many clicks it was estimated from; 0 for the default.
    """

    eta: float = DEFAULT_ETA
    clicks: int = 0

    def at(self, rank: int) -> float:
        """The probability, up to that of the first place, that a rank from 1 is examined; at least the clipping."""
        return max(math.exp(-self.eta * math.log(rank)), MIN_PROPENSITY)

    def weight(self, judgement: Judgement, item: str) -> float:
        """What a preference for an item counts: 1 where it was said, or where the place is not known."""
        rank = judgement.rank_of(item)
        return 1.0 if judgement.kind == "judgement" or rank is None else 1.0 / self.at(rank)


def estimate_propensity(judgements: Sequence[Judgement]) -> Propensity:
    """The model under which clicks on the same result at different places are likeliest; the default without enough.

    A result that was shown for the same query at several places is as relevant at each, so that the ratio of its clicks
    is that of the places' propensities (Agarwal, Zaitsev, Wang, Li, Najork & Joachims 2019, "Estimating Position Bias
    without Intrusive Interventions"). All ratios are pooled by the likelihood of where its clicks fell, given how many
    there were: the relevance cancels out. The likelihood is concave in `eta`.
    """
    from scipy.optimize import brentq

    seen = _Harvest.of(judgements)
    if seen.total < MIN_CLICKS:
        return Propensity()
    if seen.slope(0.0) <= 0:
        return Propensity(0.0, seen.total)
    if seen.slope(MAX_ETA) >= 0:
        return Propensity(MAX_ETA, seen.total)
    return Propensity(float(brentq(seen.slope, 0.0, MAX_ETA, xtol=1e-6)), seen.total)


@dataclass(frozen=True, slots=True)
class _Harvest:
    """Results that were shown at several places: how often at each, and how often clicked there.

    Attributes:
        of_result: The result of each row, int64 `(m,)`, from 0 on without gaps.
        log_ranks: Of the place, float64 `(m,)`.
        shown: Times, float64 `(m,)`.
        clicked: Times, float64 `(m,)`.
    """

    of_result: NDArray[np.int64]
    log_ranks: NDArray[np.float64]
    shown: NDArray[np.float64]
    clicked: NDArray[np.float64]

    @property
    def total(self) -> int:
        """All clicks."""
        return int(self.clicked.sum())

    def slope(self, eta: float) -> float:
        """The derivative of the log likelihood."""
        mass = self.shown * np.exp(-eta * self.log_ranks)
        expected = np.bincount(self.of_result, mass * self.log_ranks) / np.bincount(self.of_result, mass)
        clicks = np.bincount(self.of_result, self.clicked)
        return float(clicks @ expected - self.clicked @ self.log_ranks)

    @classmethod
    def of(cls, judgements: Sequence[Judgement]) -> _Harvest:
        """What the clicks among the judgements tell."""
        counts: dict[tuple[str, str], dict[int, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
        for judgement in judgements:
            # A click with what it was preferred to is no list: of the places in between nothing is known.
            if judgement.kind == "click" and not judgement.rejected:
                for one in judgement.shown:
                    item = one.named(judgement.unit)
                    cell = counts[judgement.query, item][one.rank]
                    cell[0] += 1
                    cell[1] += item in judgement.chosen
        moved = [places for places in counts.values() if len(places) > 1 and any(c for _, c in places.values())]
        rows = [(number, math.log(rank), *cell) for number, places in enumerate(moved) for rank, cell in places.items()]
        table = np.array(rows, dtype=np.float64).reshape(-1, 4)
        return cls(table[:, 0].astype(np.int64), table[:, 1], table[:, 2], table[:, 3])
