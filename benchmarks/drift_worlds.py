"""Worlds whose truth is known: videos as mean vectors, and what may happen to those that come later.

A simulated world draws videos around topics in a cone, as encoders place them. A real one takes its videos from vectors
that an encoder made; its new content is a neighbourhood that the reference never had.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Means = NDArray[np.float32]
DIM = 64
TOPICS = 30
NEW_TOPICS = 3
NEIGHBOURS = 300
"""Of a real world: the vectors around one of them that are left out of the population, as content that is new later."""


class World(Protocol):
    """Where videos come from; every row is float32 of length 1."""

    def videos(self, count: int, random: np.random.Generator) -> Means:
        """Videos of the population."""
        ...

    def new_content(self, count: int, random: np.random.Generator) -> Means:
        """Videos of a kind that the population does not have."""
        ...


def unit(rows: NDArray[Any]) -> Means:
    """float32, each row of length 1."""
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@dataclass(frozen=True)
class Simulated:
    """Topics, and videos around them."""

    topics: NDArray[np.float64]
    new_topics: NDArray[np.float64]

    @classmethod
    def draw(cls, seed: int) -> Simulated:
        """A world of its own for every seed."""
        random = np.random.default_rng(seed)
        cone = random.normal(size=DIM)
        topics = cone + 1.2 * random.normal(size=(TOPICS + NEW_TOPICS, DIM))
        return cls(topics[:TOPICS], topics[TOPICS:])

    def videos(self, count: int, random: np.random.Generator) -> Means:
        """Videos of the topics, all equally likely."""
        return self._around(self.topics, count, random)

    def new_content(self, count: int, random: np.random.Generator) -> Means:
        """Videos of three topics that the population does not have."""
        return self._around(self.new_topics, count, random)

    @staticmethod
    def _around(topics: NDArray[np.float64], count: int, random: np.random.Generator) -> Means:
        chosen = topics[random.integers(len(topics), size=count)]
        return unit(chosen + 0.6 * random.normal(size=chosen.shape))


@dataclass(frozen=True)
class Real:
    """Vectors that an encoder made: `population` and `strange` are float32 `(n, dim)`."""

    population: Means
    strange: Means

    @classmethod
    def draw(cls, vectors: Means, seed: int) -> Real:
        """Leaves out the neighbourhood of one vector, another one for every seed."""
        centre = vectors[np.random.default_rng(seed).integers(len(vectors))]
        nearest = np.argsort(-(vectors @ centre))
        return cls(vectors[nearest[NEIGHBOURS:]], vectors[nearest[:NEIGHBOURS]])

    def videos(self, count: int, random: np.random.Generator) -> Means:
        """Vectors of the population, none twice in one call."""
        return self.population[random.choice(len(self.population), count, replace=False)]

    def new_content(self, count: int, random: np.random.Generator) -> Means:
        """Vectors of the neighbourhood that was left out."""
        return self.strange[random.choice(len(self.strange), count, replace=False)]


Change = Callable[[World, Means, np.random.Generator], Means]
"""What happens to the current videos, or comes instead of them."""


def _some_new(share: float) -> Change:
    def change(world: World, current: Means, random: np.random.Generator) -> Means:
        count = round(share * len(current))
        return np.concatenate([world.new_content(count, random), current[count:]]) if count else current

    return change


def _shifted(world: World, current: Means, random: np.random.Generator) -> Means:
    """Every vector moves the same way a little: another library, another rounding of the pictures."""
    direction = np.random.default_rng(0).normal(size=current.shape[1])
    return unit(current + 0.3 * direction / np.linalg.norm(direction))


def _corrupted(world: World, current: Means, random: np.random.Generator) -> Means:
    """Half of the videos are noise."""
    half = len(current) // 2
    return np.concatenate([unit(random.normal(size=(half, current.shape[1]))), current[half:]])


def _collapsed(world: World, current: Means, random: np.random.Generator) -> Means:
    """All of them are nearly the same."""
    return unit(current.mean(axis=0) + 0.05 * current)


def _swapped(world: World, current: Means, random: np.random.Generator) -> Means:
    """The pictures are prepared otherwise, their channels in another order, say: a part of the space is turned."""
    part = 3 * (current.shape[1] // 8)
    turned = current.copy()
    turned[:, :part] = turned[:, np.roll(np.arange(part), part // 3)]
    return unit(turned)


NEW_CONTENT = ("5 % new", "20 % new", "50 % new")
CHANGES: Mapping[str, Change] = {
    **{name: _some_new(share) for name, share in zip(NEW_CONTENT, (0.05, 0.2, 0.5), strict=True)},
    "shifted encoder": _shifted,
    "corrupted batch": _corrupted,
    "collapsed encoder": _collapsed,
    "swapped preprocessing": _swapped,
}
