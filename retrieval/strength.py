"""How strong the finding of a leg is, on one scale for all legs: in deviations above what chance gives.

A picture counts from the mean of unrelated pictures on: it is always there, and its nearness orders even what is far. A
document counts only beyond the best that so many unrelated documents would reach by chance, because a query about what
is seen has a nearest document too. Words that occur count by the share of the query that they are, squared: one word of
six says little. All words together are worth what the best unrelated picture reaches by chance, and one more.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from lake.schema import Space
from retrieval.background import Background, chance_level

ALL_WORDS_ABOVE_CHANCE = 1.0
BELOW_CHANCE = 0.01
"""What a deviation counts below the level of chance: nothing but an order among segments of which nothing else is
known."""


def vector_strength(space: Space, cosines: NDArray[np.float64], background: Background) -> NDArray[np.float64]:
    """Of cosines with a query, float64 `(n,)`, at least 0."""
    beyond = background.above_chance(cosines)
    if space == "text":
        beyond = beyond - chance_level(background.rows)
        beyond = np.where(beyond > 0, beyond, BELOW_CHANCE * (beyond + chance_level(background.rows)))
    strength: NDArray[np.float64] = np.maximum(beyond, 0.0)
    return strength


def words_strength(coverages: Mapping[str, float], rows: int) -> dict[str, float]:
    """Of the shares of a query's words that segments have, among so many segments."""
    whole = chance_level(rows) + ALL_WORDS_ABOVE_CHANCE
    return {segment_id: whole * share**2 for segment_id, share in coverages.items()}
