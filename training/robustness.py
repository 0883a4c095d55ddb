"""What is left of a head's answers when people misspell, shorten or shout their queries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from encoders.protocols import Vectors
from quality.robustness.queries import QUERY_DISTURBANCES
from training.evaluation import Found
from training.pairs import TrainingSet
from training.ranks import ranks_of

MOST_QUERIES = 500


@dataclass(frozen=True, slots=True)
class Disturbed:
    """How one disturbance of the queries changes what is found.

    Attributes:
        name: What was done to them.
        queries: How many were asked.
        recall_at_1: What is found after it.
        recall_at_10: What is found after it.
        lost_at_10: By how much recall at 10 has fallen.
    """

    name: str
    queries: int
    recall_at_1: float
    recall_at_10: float
    lost_at_10: float

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def disturbed_queries(
    pairs: TrainingSet, found: Found, items: Vectors, embed: Callable[[Sequence[str]], Vectors], *, seed: int = 0
) -> list[Disturbed]:
    """Ask a sample of the test sentences again, disturbed: the same for the same seed.

    Args:
        pairs: Whose test split was asked.
        found: What was found undisturbed.
        items: Unit vectors of its items, float32 `(n, d)`.
        embed: Sentences to unit vectors of the same space.
        seed: Of the sample and of the slips.
    """
    random = np.random.default_rng(seed)
    chosen = np.sort(random.permutation(len(found.sentences))[:MOST_QUERIES])
    texts = [pairs.texts[sentence] for sentence in found.sentences[chosen]]
    clean = found.ranks[chosen]
    disturbances = {"as written": texts} | {
        name: [disturb(text, random) for text in texts] for name, disturb in QUERY_DISTURBANCES.items()
    }
    rows = []
    for name, asked in disturbances.items():
        ranks = ranks_of(embed(asked), items, found.wanted[chosen])
        lost = float((clean <= 10).mean() - (ranks <= 10).mean())
        rows.append(Disturbed(name, len(asked), float((ranks <= 1).mean()), float((ranks <= 10).mean()), lost))
    return rows
