"""Which pairs meet in a step: each item at most once, hard negatives near, false negatives apart, noise rare."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoders.protocols import Vectors
from training.pairs import TrainingSet
from training.recipe import HardNegatives, Recipe

_CHUNK = 2048


@dataclass(frozen=True, eq=False)
class Batch:
    """The items of a step, and for each two of its sentences (the same one twice where it has one)."""

    items: NDArray[np.int64]
    sentences: NDArray[np.int64]
    partners: NDArray[np.int64]


class Sampler:
    """Draws the steps of an epoch from the training split; the same for the same recipe and epoch.

    Args:
        pairs: All of them.
        recipe: Its batch, seed, balance and hard negatives.
    """

    def __init__(self, pairs: TrainingSet, recipe: Recipe) -> None:
        self._recipe = recipe
        self._items = pairs.items("train")
        self._place = np.full(len(pairs), -1, dtype=np.int64)
        self._place[self._items] = np.arange(len(self._items))
        sentences = pairs.sentences_of(self._items)
        self.sentences = sentences[np.argsort(self._place[pairs.item_of[sentences]], kind="stable")]
        """All training sentences, item by item."""
        counts = np.bincount(self._place[pairs.item_of[self.sentences]], minlength=len(self._items))
        self._ends = np.cumsum(counts)
        self._starts = self._ends - counts
        self._balance = _balance(pairs.source[self.sentences]) if recipe.balanced else np.ones(len(sentences))
        self._weights = self._balance
        self._neighbours: list[NDArray[np.int64]] | None = None

    @property
    def steps(self) -> int:
        """Of an epoch: whole batches, or one smaller where there is not even one."""
        return max(1, len(self._items) // self._recipe.batch)

    def trust(self, weights: NDArray[np.float64]) -> None:
        """Draw each sentence, in the order of `sentences`, as often as its weight in (0, 1] says."""
        self._weights = self._balance * weights

    def mine(self, vectors: Vectors, sentences: Vectors, settings: HardNegatives) -> None:
        """From now on, fill a share of each batch with neighbours of its other items.

        Args:
            vectors: Where the head places the training items now, unit, float32 `(n, dim)`.
            sentences: The mean of each item's sentence vectors, unit, float32 `(n, dim)`: items whose sentences are
                as alike as `settings.false_negative` are taken for the same thing, and no neighbours.
            settings: How many, and how near.
        """
        self._neighbours = list(_neighbours(vectors, sentences, settings))

    def epoch(self, number: int) -> Iterator[Batch]:
        """The steps of an epoch."""
        random = np.random.default_rng([self._recipe.seed, number])
        order = random.permutation(len(self._items))
        size = min(self._recipe.batch, len(order))
        for step in range(self.steps):
            places = order[step * size : (step + 1) * size]
            yield self._batch(self._with_neighbours(places, random), random)

    def _with_neighbours(self, places: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
        settings = self._recipe.hard_negatives
        if self._neighbours is None or settings is None:
            return places
        kept = places[: len(places) - int(len(places) * settings.share)]
        chosen = dict.fromkeys(kept.tolist())
        for place in kept:
            if len(chosen) == len(places):
                break
            near = self._neighbours[place]
            if len(near):
                chosen[int(random.choice(near))] = None
        for place in places[len(kept) :]:
            if len(chosen) == len(places):
                break
            chosen[int(place)] = None
        return np.fromiter(chosen, dtype=np.int64)

    def _batch(self, places: NDArray[np.int64], random: np.random.Generator) -> Batch:
        return Batch(self._items[places], self._drawn(places, random), self._drawn(places, random))

    def _drawn(self, places: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
        # One number for all: where it falls in the item's stretch of the running total of the weights.
        total = np.concatenate(([0.0], np.cumsum(self._weights)))
        low, high = total[self._starts[places]], total[self._ends[places]]
        at = np.searchsorted(total, low + random.random(len(places)) * (high - low), side="right") - 1
        chosen: NDArray[np.int64] = self.sentences[np.clip(at, self._starts[places], self._ends[places] - 1)]
        return chosen


def _balance(source: NDArray[np.int8]) -> NDArray[np.float64]:
    """A weight for each sentence that gives every source the same sum."""
    counts = np.bincount(source)
    return 1.0 / counts[source]


def _neighbours(vectors: Vectors, sentences: Vectors, settings: HardNegatives) -> Iterator[NDArray[np.int64]]:
    wanted = min(settings.neighbours, len(vectors) - 1)
    for start in range(0, len(vectors), _CHUNK):
        alike = vectors[start : start + _CHUNK] @ vectors.T
        alike[sentences[start : start + _CHUNK] @ sentences.T >= settings.false_negative] = -np.inf
        rows = np.arange(len(alike))
        alike[rows, rows + start] = -np.inf
        nearest = np.argpartition(-alike, wanted - 1, axis=1)[:, :wanted]
        for row, near in zip(alike, nearest, strict=True):
            yield near[np.isfinite(row[near])].astype(np.int64)
