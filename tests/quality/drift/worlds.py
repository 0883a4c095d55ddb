"""Simulated worlds whose truth is known: videos as mean vectors, drawn from a mixture of topics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Means = NDArray[np.float32]
DIM = 64
TOPICS = 30


def unit(rows: NDArray[np.floating]) -> Means:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@dataclass(frozen=True)
class World:
    """Topics in a cone, as encoders have them, and videos around them."""

    topics: NDArray[np.float64]
    new_topics: NDArray[np.float64]

    @classmethod
    def draw(cls, seed: int) -> World:
        random = np.random.default_rng(seed)
        cone = random.normal(size=DIM)
        topics = cone + 1.2 * random.normal(size=(TOPICS + 3, DIM))
        return cls(topics[:TOPICS], topics[TOPICS:])

    def videos(self, count: int, random: np.random.Generator) -> Means:
        return self._around(self.topics, count, random)

    def new_content(self, count: int, random: np.random.Generator) -> Means:
        """Videos of three topics that the corpus did not have."""
        return self._around(self.new_topics, count, random)

    @staticmethod
    def _around(topics: NDArray[np.float64], count: int, random: np.random.Generator) -> Means:
        chosen = topics[random.integers(len(topics), size=count)]
        return unit(chosen + 0.6 * random.normal(size=chosen.shape))


Change = Callable[[World, Means, np.random.Generator], Means]


def _some_new(share: float) -> Change:
    def change(world: World, current: Means, random: np.random.Generator) -> Means:
        count = round(share * len(current))
        return np.concatenate([world.new_content(count, random), current[count:]])

    return change


def _shifted(world: World, current: Means, random: np.random.Generator) -> Means:
    """Every vector moves the same way a little: another library, another rounding of the pictures."""
    direction = np.random.default_rng(0).normal(size=DIM)
    return unit(current + 0.3 * direction / np.linalg.norm(direction))


def _corrupted(world: World, current: Means, random: np.random.Generator) -> Means:
    """Half of the videos are noise."""
    half = len(current) // 2
    return np.concatenate([unit(random.normal(size=(half, DIM))), current[half:]])


def _collapsed(world: World, current: Means, random: np.random.Generator) -> Means:
    return unit(current.mean(axis=0) + 0.05 * current)


def _swapped(world: World, current: Means, random: np.random.Generator) -> Means:
    """The channels of the pictures in another order: a fixed turn of a part of the space."""
    turned = current.copy()
    turned[:, :24] = turned[:, np.roll(np.arange(24), 8)]
    return unit(turned)


CHANGES: Mapping[str, Change] = {
    "5 % new": _some_new(0.05),
    "20 % new": _some_new(0.2),
    "50 % new": _some_new(0.5),
    "shifted encoder": _shifted,
    "corrupted batch": _corrupted,
    "collapsed encoder": _collapsed,
    "swapped preprocessing": _swapped,
}
