"""What weights are judged by: a loss over pairs, and how far the lists that people saw would change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.preferences.pairs import Pair, Question
from training.preferences.places import Places

SHOWN = 10
"""The first results under the released weights: with those of the pairs, the list that the tether holds."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Objective:
    """All pairs and lists as arrays. Scores are of items, over all questions, float64 `(n,)`.

    Attributes:
        shares: Of the rows of all items, as in `Places`, float64 `(r, l)`.
        starts: The first row of each item, int64 `(n,)`.
        preferred, rejected: The items of each pair, int64 `(p,)`.
        voices: What each pair counts, float64 `(p,)`, one in sum.
        lists: The items of each question's list, int64 `(q, m)`.
        filled: Which places of `lists` hold an item: bool `(q, m)`.
    """

    shares: Floats
    starts: NDArray[np.int64]
    preferred: NDArray[np.int64]
    rejected: NDArray[np.int64]
    voices: Floats
    lists: NDArray[np.int64]
    filled: NDArray[np.bool_]

    @classmethod
    def of(cls, pairs: Sequence[Pair], places: Mapping[Question, Places], released: Floats) -> Objective:
        """Of pairs, one at least, whose results are all among the places of their question."""
        chosen = {one: _listed(judged, places[one], released) for one, judged in _judged(pairs).items()}
        sizes = [len(one.items) for one in chosen.values()]
        names = [(question, item) for question, one in chosen.items() for item in one.items]
        number = {name: position for position, name in enumerate(names)}
        rows = np.cumsum([0, *(len(one.owner) for one in chosen.values())])
        filled = np.arange(max(sizes)) < np.array(sizes)[:, None]
        lists = np.zeros(filled.shape, dtype=np.int64)
        lists[filled] = np.arange(len(names))
        voices = np.array([pair.weight for pair in pairs])
        return cls(
            shares=np.concatenate([one.shares for one in chosen.values()]),
            starts=np.concatenate([start + one.starts for start, one in zip(rows, chosen.values(), strict=False)]),
            preferred=np.array([number[pair.question, pair.preferred] for pair in pairs]),
            rejected=np.array([number[pair.question, pair.rejected] for pair in pairs]),
            voices=voices / voices.sum(),
            lists=lists,
            filled=filled,
        )

    def scores(self, weights: Floats) -> tuple[Floats, Floats]:
        """The score of every item, and the shares of the row that it has it from, `(n, l)`: its gradient."""
        rows = self.shares @ weights
        best = np.maximum.reduceat(rows, self.starts)
        owner = np.repeat(np.arange(len(self.starts)), np.diff([*self.starts, len(rows)]))
        first = np.full(len(self.starts), len(rows))
        np.minimum.at(first, owner, np.where(rows == best[owner], np.arange(len(rows)), len(rows)))
        return best, self.shares[first]

    def preference(self, logits: Floats) -> tuple[float, Floats]:
        """The mean loss of the pairs and its gradient by the logits.

        A pair is lost with probability `sigmoid(rejected - preferred)` (Bradley & Terry 1952).
        """
        gap = logits[self.preferred] - logits[self.rejected]
        pull = self.voices * np.exp(-np.logaddexp(0, gap))
        gradient = _summed(self.rejected, pull, len(logits)) - _summed(self.preferred, pull, len(logits))
        return float(self.voices @ np.logaddexp(0, -gap)), gradient

    def divergence(self, logits: Floats, released: Floats) -> tuple[float, Floats]:
        """KL(new || released) of the softmax over each list, the mean of all lists, and its gradient by the logits.

        The softmax is the probability of being first in a list (Plackett 1975).
        """
        new, old = (_log_softmax(np.where(self.filled, one[self.lists], -np.inf)) for one in (logits, released))
        ratio = np.where(self.filled, new, 0) - np.where(self.filled, old, 0)
        chance = np.exp(new)
        by_list = (chance * ratio).sum(axis=1, keepdims=True)
        pull = chance * (ratio - by_list) / len(self.lists)
        return float(by_list.mean()), _summed(self.lists[self.filled], pull[self.filled], len(logits))


def _judged(pairs: Sequence[Pair]) -> dict[Question, list[str]]:
    items: dict[Question, list[str]] = {}
    for pair in pairs:
        items.setdefault(pair.question, []).extend((pair.preferred, pair.rejected))
    return items


def _listed(judged: Sequence[str], places: Places, released: Floats) -> Places:
    first = np.argsort(-places.scores(released), kind="stable")[:SHOWN]
    return places.of(list(dict.fromkeys([*judged, *(places.items[position] for position in first)])))


def _log_softmax(logits: Floats) -> Floats:
    normalised: Floats = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return normalised


def _summed(at: NDArray[np.int64], values: Floats, size: int) -> Floats:
    return np.bincount(at, values, size).astype(np.float64)
