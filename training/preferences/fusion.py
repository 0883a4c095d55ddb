"""The weights of a fusion, fitted to preferences and tied to those that are released."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.preferences.objective import Floats, Objective
from training.preferences.pairs import Pair, Question
from training.preferences.places import Places

BETA = 0.3
"""Chosen among 0, 0.01, 0.03, 0.1, 0.3 and 1 on simulated corpora: most of the gain where the released weights are
poor, little loss where they are good and a dozen queries say otherwise."""

_FARTHEST = math.log(100)
_RIDGE = 1e-3
_BLUNTEST, _SHARPEST = 2.0, 100.0
_DECIMALS = 4
_TIE = 1e-12


@dataclass(frozen=True, slots=True)
class Fitted:
    """Fitted weights.

    Attributes:
        weights: By leg; in sum those that were released, since their ratios alone decide.
        loss_before, loss_after: The mean loss of the pairs under the released and the fitted weights.
        divergence: The mean KL divergence of the lists that people saw from what they were.
        scale: What scores were multiplied with to be log odds.
        rounds: Of the optimiser.
    """

    weights: Mapping[str, float]
    loss_before: float
    loss_after: float
    divergence: float
    scale: float
    rounds: int


def fit_weights(
    pairs: Sequence[Pair], places: Mapping[Question, Places], released: Mapping[str, float], beta: float = BETA
) -> Fitted:
    """Weights under which the preferred results stand higher, as far as lists do not change too much for it.

    Minimises, over positive weights, the logistic loss of the score differences of the pairs plus `beta` times the KL
    divergence of the fitted from the released lists. Scores have no unit: they are first multiplied with what makes
    the released weights explain the pairs best. A faint ridge keeps legs that no preference speaks of in proportion.
    The same numbers give the same weights.

    Args:
        pairs: At least one; results that their question's places do not name are not allowed.
        places: The candidates of every question, a column for each leg of `released`, in its order.
        released: The weight of every leg, above 0.
        beta: How tightly the weights are tied to those released; 0 is not at all.
    """
    from scipy.optimize import minimize

    weights = np.array(list(released.values()))
    objective = Objective.of(pairs, places, weights)
    scale = _best_scale(objective, weights)
    old = scale * objective.scores(weights)[0]

    def judged(exponents: Floats) -> tuple[float, Floats]:
        """The loss of `weights * exp(common + own)`, and its gradient."""
        common, own = exponents[0], exponents[1:]
        moved = scale * weights * np.exp(common + own)
        logits, shares = objective.scores(moved)
        loss, pull = objective.preference(logits)
        distance, hold = objective.divergence(logits, old)
        by_weight = moved * (shares.T @ (pull + beta * hold))
        gradient = np.concatenate([[by_weight.sum()], by_weight + 2 * _RIDGE * own])
        return loss + beta * distance + _RIDGE * float(own @ own), gradient

    bounds = [(-_FARTHEST, _FARTHEST)] * (1 + len(weights))
    found = minimize(judged, np.zeros(1 + len(weights)), jac=True, method="L-BFGS-B", bounds=bounds)
    new = scale * objective.scores(weights * np.exp(found.x[0] + found.x[1:]))[0]
    return Fitted(
        weights=dict(zip(released, _in_proportion(weights * np.exp(found.x[1:]), weights.sum()), strict=True)),
        loss_before=objective.preference(old)[0],
        loss_after=objective.preference(new)[0],
        divergence=objective.divergence(new, old)[0],
        scale=scale,
        rounds=int(found.nit),
    )


def _best_scale(objective: Objective, weights: Floats) -> float:
    """What the released scores are multiplied with to be the log odds that explain the pairs best.

    The highest score becomes 2 at least, a coin that is nearly fair, and 100 at most, where nothing is left to learn.
    """
    from scipy.optimize import minimize_scalar

    scores = objective.scores(weights)[0]
    bounds = tuple(math.log(one / scores.max()) for one in (_BLUNTEST, _SHARPEST))
    found = minimize_scalar(
        lambda log_scale: objective.preference(math.exp(log_scale) * scores)[0], bounds=bounds, method="bounded"
    )
    return math.exp(found.x)


def _in_proportion(weights: Floats, total: float) -> list[float]:
    # A weight of 0 would mean that the leg is not asked.
    return [max(round(float(one), _DECIMALS), 10**-_DECIMALS) for one in weights * total / weights.sum()]


def accuracy_by_query(
    pairs: Sequence[Pair], places: Mapping[Question, Places], weights: Mapping[str, float]
) -> dict[str, float]:
    """For each query the share of its pairs, as they are weighted, whose better result stands higher; a tie is half."""
    chosen = np.array(list(weights.values()))
    questions = {pair.question for pair in pairs}
    scores = {one: dict(zip(places[one].items, places[one].scores(chosen), strict=True)) for one in questions}
    won: dict[str, float] = {}
    voices: dict[str, float] = {}
    for pair in pairs:
        gap = scores[pair.question][pair.preferred] - scores[pair.question][pair.rejected]
        query, side = pair.question.query, 0.0 if abs(gap) < _TIE else math.copysign(1.0, gap)
        won[query] = won.get(query, 0.0) + pair.weight * (1 + side) / 2
        voices[query] = voices.get(query, 0.0) + pair.weight
    return {query: won[query] / voices[query] for query in won}
