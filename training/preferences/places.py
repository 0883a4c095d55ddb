"""Where the legs put the results of a question: all that a fusion's weights decide over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernel.progress import Progress
from lake.releases import Release
from lake.store import Lake
from retrieval import Index
from retrieval.fusion import Fusion
from retrieval.legs import LEGS, VECTOR_LEGS
from retrieval.live_release import FixedRelease
from retrieval.query_encoders import EmbedsQueries
from retrieval.warm_lake import WarmLake
from training.preferences.judgements import Unit
from training.preferences.pairs import Question


@dataclass(frozen=True, eq=False)
class Places:
    """The candidates of one question.

    Attributes:
        items: Their ids; a video has a row for each of its segments that a leg found, a segment has one.
        owner: The item of each row, int64 `(r,)`, ascending from 0 without gaps.
        shares: What each leg adds to a row's score for a weight of 1, 0 where it says nothing of it: float64 `(r, l)`.
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
    """Asks every leg that has a weight, as deep as a search does; None where no leg finds anything.

    Args:
        index: Over the release whose legs are asked.
        query: Its words.
        unit: Whether the items are videos or segments.
        fusion: Names the legs, in the order of the columns of `shares`.

    Raises:
        RetrievalError, EncoderError, LakeError: The release cannot be searched.
    """
    rows = {
        (hit.segment.video_id if unit == "video" else hit.segment.segment_id, hit.segment.segment_id): [
            hit.shares.get(leg, 0.0) for leg in fusion.weights
        ]
        for hit in index.candidates(query)
    }
    return places_of(rows) if rows else None


def places_of(rows: Mapping[tuple[str, str], Sequence[float]]) -> Places:
    """The candidates by item and segment, with what each leg gives them; one at least."""
    ordered = sorted(rows)
    items = sorted({item for item, _ in ordered})
    owner = np.searchsorted(np.array(items), np.array([item for item, _ in ordered]))
    return Places(tuple(items), owner.astype(np.int64), np.array([rows[row] for row in ordered]))


def asked_legs(live: Release) -> Fusion:
    """The fusion of the legs that a search of the release asks."""
    fusion = Fusion.from_release(live.fusion)
    there = [leg for leg in LEGS if leg not in VECTOR_LEGS or leg in live.spaces]
    return fusion.of_legs(tuple(leg for leg in there if fusion.weights.get(leg)))


def ask_questions(
    lake: Lake,
    live: Release,
    fusion: Fusion,
    questions: Mapping[Question, str],
    encoders: EmbedsQueries,
    progress: Progress,
) -> dict[Question, Places]:
    """Where the legs put the results of every question; one that none finds anything for is left out.

    Args:
        lake: What is searched.
        live: The release whose legs are asked.
        fusion: Names the legs, in the order of the columns of `shares`.
        questions: By question, its words as they were typed.
        encoders: Of queries.
        progress: Told of every question.

    Raises:
        RetrievalError, EncoderError, LakeError: The release cannot be searched.
    """
    found = {}
    with (
        Index(WarmLake(lake.folder), encoders, FixedRelease(live)) as index,
        progress.task("asking the legs", len(questions), "queries") as advance,
    ):
        for question, text in questions.items():
            found[question] = ask_legs(index, text, question.unit, fusion)
            advance(1)
    return {question: places for question, places in found.items() if places is not None}
