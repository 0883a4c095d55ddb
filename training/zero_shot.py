"""Classification by words alone: which of some class names a picture is nearest to.

Source: Radford et al. 2021, section 3.1. A class is placed by its name in a sentence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders.protocols import Vectors
from training.errors import BadPairs

PROMPT = "a photo of a {}"
MOST_CONFUSED = 10
RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class ZeroShot:
    """What naming pictures by their nearest class gives.

    Attributes:
        items: How many were named.
        classes: Sorted.
        accuracy: Share of items whose own class is nearest.
        low, high: The bounds of `accuracy` with 95 % confidence, by bootstrap over items.
        among_five: Share of items whose class is among the nearest five.
        balanced: Mean over the classes of the share of their own items that are named right.
        confusion: Items of each class (rows) by the class that they were taken for (columns).
    """

    items: int
    classes: tuple[str, ...]
    accuracy: float
    low: float
    high: float
    among_five: float
    balanced: float
    confusion: tuple[tuple[int, ...], ...]

    @property
    def most_confused(self) -> list[tuple[str, str, int]]:
        """The class, what it was taken for, and how often: the most frequent mistakes first."""
        mistakes = Counter(
            {
                (true, taken): self.confusion[row][column]
                for row, true in enumerate(self.classes)
                for column, taken in enumerate(self.classes)
                if row != column and self.confusion[row][column]
            }
        )
        return [(true, taken, count) for (true, taken), count in mistakes.most_common(MOST_CONFUSED)]

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def classify(
    items: Vectors, labels: Sequence[str], embed: Callable[[Sequence[str]], Vectors], *, prompt: str = PROMPT
) -> ZeroShot:
    """Name items by the nearest of the classes that occur among them.

    Args:
        items: Unit vectors, float32 `(n, d)`.
        labels: Their classes, n of them.
        embed: Sentences to unit vectors of the same space.
        prompt: The sentence; `{}` stands for the class.

    Raises:
        BadPairs: There are fewer than two classes.
    """
    classes = tuple(sorted(set(labels)))
    if len(classes) < 2:
        raise BadPairs(f"there is one class only, '{classes[0] if classes else ''}': nothing can be told apart.")
    true = np.array([classes.index(label) for label in labels])
    scores = items @ embed([prompt.format(name) for name in classes]).T
    order = np.argsort(-scores, axis=1, kind="stable")
    right = order[:, 0] == true
    low, high = _interval(right)
    confusion = np.zeros((len(classes), len(classes)), dtype=int)
    np.add.at(confusion, (true, order[:, 0]), 1)
    return ZeroShot(
        items=len(items),
        classes=classes,
        accuracy=float(right.mean()),
        low=low,
        high=high,
        among_five=float((order[:, :5] == true[:, None]).any(axis=1).mean()),
        balanced=float(np.mean([right[true == place].mean() for place in range(len(classes))])),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
    )


def _interval(right: NDArray[np.bool_]) -> tuple[float, float]:
    random = np.random.default_rng(0)
    means = [right[random.integers(0, len(right), len(right))].mean() for _ in range(RESAMPLES)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
