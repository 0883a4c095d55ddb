"""Where the legs put the results of a question: all that a fusion's weights decide over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval import Index, LegHit
from retrieval.fusion import Fusion
from retrieval.index import DEPTH
from training.preferences.judgements import Unit


@dataclass(frozen=True, eq=False)
class Places:
    """The candidates of one question.

    Attributes:
        items: Their ids; a video has a row for each of its segments that a leg found, a segment has one.
        owner: The item of each row, int64 `(r,)`, ascending from 0 without gaps.
        shares: What each leg adds to a row's score for a weight of 1, `1 / (k + rank)`, 0 where it has not found it:
            float64 `(r, l)`.
    """

    items: tuple[str, ...]
    owner: NDArray[np.int64]
    shares: NDArray[np.float64]

    @property
    def starts(self) -> NDArray[np.int64]:
        """The first row of each item, int64 `(n,)`."""
        return np.searchsorted(self.owner, np.arange(len(self.items)))

    def scores(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """The fused score of every item under weights `(l,)`: that of its best row, float64 `(n,)`."""
        best: NDArray[np.float64] = np.maximum.reduceat(self.shares @ weights, self.starts)
        return best

    def of(self, items: Sequence[str]) -> Places:
        """The same of these items alone, in this order."""
        number = {item: position for position, item in enumerate(self.items)}
        rows = [np.flatnonzero(self.owner == number[item]) for item in items]
        owner = np.repeat(np.arange(len(items)), [len(one) for one in rows])
        return Places(tuple(items), owner, self.shares[np.concatenate(rows)])


def ask_legs(index: Index, query: str, unit: Unit, fusion: Fusion) -> Places | None:
    """Asks every leg that has a weight by itself, as deep as a search does; None where no leg finds anything.

    Args:
        index: Over the release whose legs are asked.
        query: Its words.
        unit: Whether the items are videos or segments.
        fusion: Names the legs, in the order of the columns of `shares`, and `k`.

    Raises:
        RetrievalError, EncoderError, LakeError: The release cannot be searched.
    """
    hits: dict[tuple[str, str], list[LegHit | None]] = {}
    for column, leg in enumerate(fusion.weights):
        for found in index.search(query, legs=[leg], limit=DEPTH, group_by_video=False).results:
            item = found.video_id if unit == "video" else found.segment_id
            hits.setdefault((item, found.segment_id), [None] * len(fusion.weights))[column] = found.legs[leg]
    return places_of(hits, fusion.k) if hits else None


def places_of(hits: Mapping[tuple[str, str], Sequence[LegHit | None]], k: float) -> Places:
    """The candidates by item and segment, with what each leg said of them; one at least."""
    ordered = sorted(hits)
    items = sorted({item for item, _ in ordered})
    shares = [[0.0 if hit is None else 1.0 / (k + hit.rank) for hit in hits[row]] for row in ordered]
    owner = np.searchsorted(np.array(items), np.array([item for item, _ in ordered]))
    return Places(tuple(items), owner.astype(np.int64), np.array(shares))
