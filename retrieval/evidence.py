"""What the finding of every leg is worth, for all segments that any leg found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lake.schema import DOCUMENTS, Space, vectors_table_name
from lake.store import Lake
from lake.vectors import Vectors
from retrieval.background import Backgrounds
from retrieval.fusion import Fusion, by_ranks, fuse
from retrieval.legs import WORDS_LEGS, Candidate
from retrieval.near_in_time import cosines_in_context, read_near
from retrieval.planner import Query
from retrieval.strength import vector_strength, words_strength

LOOKED_AT_AGAIN = 25
"""Of what the legs found, fused, so many of the first have their pictures looked at again, with those near in time."""

Found = Mapping[str, Sequence[Candidate]]
Shares = dict[str, dict[str, float]]


@dataclass(frozen=True, eq=False, slots=True)
class Weighed:
    """What each leg gives for a weight of 1, and the vectors of the visual space that were read on the way."""

    shares: Shares
    pictures: dict[str, Vectors]


def pictures_in(candidates: Sequence[Candidate]) -> dict[str, Vectors]:
    """The vectors of those that have one, by segment."""
    return {one.segment_id: one.vector for one in candidates if one.vector is not None}


class Evidence:
    """Weighs what legs found, in one lake."""

    def __init__(self, lake: Lake, backgrounds: Backgrounds) -> None:
        self._lake = lake
        self._backgrounds = backgrounds

    def weighed(
        self,
        found: Found,
        fusion: Fusion,
        spaces: Mapping[str, str],
        vectors: Mapping[str, NDArray[np.float32]],
        query: Query,
    ) -> Weighed:
        """What each leg gives the segments that it found, or that others did, for a weight of 1.

        One leg alone, and a fusion by ranks, need nothing but the ranks.

        Args:
            found: By leg, its candidates.
            fusion: How they are fused.
            spaces: The version of each space.
            vectors: Of the query, by space, float32 `(dim,)`.
            query: As it was understood.
        """
        if fusion.k is not None or len(found) == 1:
            ranks = {leg: {one.segment_id: one.rank for one in candidates} for leg, candidates in found.items()}
            return Weighed(by_ranks(ranks, fusion.k or 0.0), pictures_in(found.get("visual", ())))
        shares: Shares = {}
        for leg, candidates in found.items():
            if leg in WORDS_LEGS:
                shares[leg] = self._of_words(candidates, query)
            else:
                said = {one.segment_id: one.score for one in candidates}
                shares[leg] = self._strengths(leg, spaces[leg], said)  # type: ignore[arg-type]
        pictures = pictures_in(found.get("visual", ()))
        if "visual" in found and fusion.context:
            shares["visual"], seen = self._in_context(shares, fusion, spaces["visual"], vectors["visual"])
            pictures |= seen
        return Weighed(shares, pictures)

    def _of_words(self, candidates: Sequence[Candidate], query: Query) -> dict[str, float]:
        everyone = self._lake.snapshot(DOCUMENTS.name).count_rows()
        stems, instead, coverage = query.stems, query.instead, query.language.coverage
        return words_strength({one.segment_id: coverage(stems, one.words, instead) for one in candidates}, everyone)

    def _in_context(
        self, shares: Shares, fusion: Fusion, version: str, query: NDArray[np.float32]
    ) -> tuple[dict[str, float], dict[str, Vectors]]:
        """The visual shares, with those of the first candidates seen among what is near them in time; what was seen.

        The others are taken to stand among strangers, so that to be looked at again is no disadvantage.
        """
        first = [segment_id for segment_id, _ in fuse(shares, fusion.weights)[:LOOKED_AT_AGAIN]]
        there = read_near(self._lake, vectors_table_name("visual", version), first)
        again = self._strengths("visual", version, cosines_in_context(query, first, there, fusion.context))
        unseen = {segment_id: (1 - fusion.context) * share for segment_id, share in shares["visual"].items()}
        return unseen | again, dict(zip(there.names, there.vectors, strict=True))

    def _strengths(self, space: Space, version: str, cosines: Mapping[str, float]) -> dict[str, float]:
        background = self._backgrounds.of(vectors_table_name(space, version), version)
        strengths = vector_strength(space, np.array(list(cosines.values()), dtype=np.float64), background)
        return dict(zip(cosines, strengths.tolist(), strict=True))
