"""One question to the legs of a release, side by side, and what they say to one ranking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lake.releases import Release
from lake.schema import vectors_table_name
from lake.store import Lake, in_list
from lake.vectors import Vectors, rows_of
from retrieval.background import Backgrounds
from retrieval.errors import BadSearch
from retrieval.evidence import Evidence
from retrieval.filters import MATCHES_NOTHING, Filters, compile_prefilter, narrowed
from retrieval.fusion import Fusion
from retrieval.indexed_language import IndexedLanguage
from retrieval.legs import (
    LEGS,
    VECTOR_LEGS,
    WORDS_LEGS,
    Candidate,
    depth_beside_others,
    search_vectors,
    search_words,
    with_phrase,
)
from retrieval.planner import Query, WordsThere, understand, worth_asking
from retrieval.query_encoders import EmbedsManyQueries, EmbedsQueries
from retrieval.ranking import Hit, rank
from retrieval.spelling import Spelling


@dataclass(frozen=True, slots=True)
class Question:
    """What the legs are asked."""

    release: Release
    fusion: Fusion
    query: Query
    where: str | None


@dataclass(frozen=True, eq=False, slots=True)
class Ranking:
    """What a question finds.

    Attributes:
        hits: Best first.
        is_all: Whether no leg has more candidates than it gave.
        pictures: Vectors of the visual space that were read on the way, by segment.
    """

    hits: list[Hit]
    is_all: bool
    pictures: Mapping[str, Vectors] = field(default_factory=dict)


class Asker:
    """Asks the legs of one lake. Safe to use from several threads."""

    def __init__(self, lake: Lake, encoders: EmbedsQueries, language: IndexedLanguage) -> None:
        self._lake = lake
        self._encoders = encoders
        self._language = language
        self._words_there = WordsThere(lake)
        self._spelling = Spelling(lake)
        self._evidence = Evidence(lake, Backgrounds(lake, encoders))
        self._threads = ThreadPoolExecutor(max_workers=len(LEGS), thread_name_prefix="leg")

    def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown()

    def question(self, release: Release, text: str, filters: Filters, legs: Sequence[str] | None) -> Question | None:
        """What is to be asked of which legs; None where nothing can be found.

        Raises:
            BadSearch: A leg that the release does not have.
            BadFusion: The release's weights are not numbers that ranks can be fused with.
        """
        fusion = _fusion(release, legs)
        understood = understand(text, self._language.current(), self._spelling.corrected)
        where = compile_prefilter(filters, self._lake)
        if not understood.text.strip() or where == MATCHES_NOTHING:
            return None
        for phrase in understood.phrases:
            where = narrowed(where, with_phrase(self._lake, phrase, where))
        asked = worth_asking(understood, tuple(fusion.weights), self._words_there.legs())
        if not asked or where == MATCHES_NOTHING:
            return None
        return Question(release, fusion.of_legs(asked), understood, where)

    def embed(self, release: Release, texts: Sequence[str], legs: Sequence[str] | None) -> None:
        """Embeds many queries in one go, so that what asks them next finds their vectors known.

        Raises:
            BadSearch, BadFusion, WrongEncoder: As `question` and `ranking`.
        """
        if not isinstance(self._encoders, EmbedsManyQueries):
            return
        language = self._language.current()
        understood = [understand(text, language) for text in texts]
        asked = [one.text for one in understood if one.text.strip() and not one.only_phrases]
        for leg in _fusion(release, legs).weights:
            if leg not in WORDS_LEGS:
                self._encoders.embed_all(release.spaces[leg], asked)

    def ranking(self, question: Question, depth: int) -> Ranking:
        """All hits of candidates of this depth.

        Raises:
            WrongEncoder: The installed model is not the one that made the release's vectors.
            LakeError: Vectors that the release names are not there.
        """
        spaces, weights = question.release.spaces, question.fusion.weights
        depths = {leg: depth_beside_others(leg, depth) if len(weights) > 1 else depth for leg in weights}
        asked = {leg: self._threads.submit(self._ask_leg, question, leg, depths[leg]) for leg in weights}
        answers = {leg: future.result() for leg, future in asked.items()}
        found = {leg: candidates for leg, (candidates, _) in answers.items()}
        vectors = {leg: vector for leg, (_, vector) in answers.items() if vector is not None}
        weighed = self._evidence.weighed(found, question.fusion, spaces, vectors, question.query)
        hits = rank(found, weighed.shares, weights)
        return Ranking(
            hits,
            is_all=all(len(candidates) < depths[leg] for leg, candidates in found.items()),
            pictures=weighed.pictures,
        )

    def pictures_of(self, release: Release, ranking: Ranking, hits: Sequence[Hit]) -> dict[str, Vectors]:
        """Vectors of the visual space, by segment: of hits that have one, read where they are not known.

        Others that are known are among them.
        """
        known = dict(ranking.pictures)
        missing = [hit.segment.segment_id for hit in hits if hit.segment.segment_id not in known]
        if missing and "visual" in release.spaces:
            table = vectors_table_name("visual", release.spaces["visual"])
            rows = self._lake.read(table, ["segment_id", "vector"], in_list("segment_id", missing))
            known |= dict(zip(rows["segment_id"].to_pylist(), rows_of(rows["vector"]), strict=True))
        return known

    def _ask_leg(self, question: Question, leg: str, depth: int) -> tuple[list[Candidate], NDArray[np.float32] | None]:
        if leg in WORDS_LEGS:
            return search_words(self._lake, leg, question.query.words, question.where, depth), None
        version = question.release.spaces[leg]
        vector = self._encoders.embed(version, question.query.text)
        return search_vectors(self._lake, vectors_table_name(leg, version), vector, question.where, depth), vector


def _fusion(release: Release, legs: Sequence[str] | None) -> Fusion:
    """The weights of the legs to ask: those that have a part in the release, or those that were named."""
    fusion = Fusion.from_release(release.fusion)
    available = (*WORDS_LEGS, *(space for space in VECTOR_LEGS if space in release.spaces))
    if legs is None:
        return fusion.of_legs(tuple(leg for leg in available if fusion.weights.get(leg)))
    unknown = [leg for leg in legs if leg not in available]
    if unknown or not legs:
        raise BadSearch(
            f"release {release.release_id} has no leg {', '.join(unknown) or 'without a name'}.",
            where="search legs",
            remedy=f"It has: {', '.join(available)}.",
        )
    return fusion.of_legs(tuple(dict.fromkeys(legs)))
