"""A searchable corpus: one query to legs, to one ranking, to results."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lake.files import first_uris
from lake.releases import Release
from lake.schema import DOCUMENTS, vectors_table_name
from lake.store import in_list
from retrieval.background import Backgrounds
from retrieval.errors import BadSearch
from retrieval.evidence import Evidence
from retrieval.filters import MATCHES_NOTHING, Filters, compile_prefilter, narrowed
from retrieval.fusion import Fusion
from retrieval.legs import (
    DEPTH,
    LEGS,
    VECTOR_LEGS,
    WORDS_LEGS,
    Candidate,
    depth_beside_others,
    search_vectors,
    search_words,
    with_phrase,
)
from retrieval.live_release import LiveRelease
from retrieval.planner import Query, WordsThere, understand, worth_asking
from retrieval.query_encoders import EmbedsPictures, EmbedsQueries
from retrieval.ranking import Hit, rank
from retrieval.result_cache import ResultCache
from retrieval.results import LegHit, Result, SearchResults
from retrieval.warm_lake import WarmLake

_DEEPER = 4
_DEEPEST = 1000
_NO_FILTERS = Filters()


class KnowsRelease(Protocol):
    """What tells which release to answer from. Asked at the beginning of every search."""

    def current(self) -> Release:
        """The release.

        Raises:
            NoRelease: There is none yet.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Question:
    """What the legs are asked."""

    release: Release
    fusion: Fusion
    query: Query
    where: str | None


class Index:
    """A lake opened for search. Safe to use from several threads; follows new releases without being opened again."""

    def __init__(self, lake: WarmLake, encoders: EmbedsQueries, releases: KnowsRelease | None = None) -> None:
        self._lake = lake
        self._encoders = encoders
        self._releases = releases or LiveRelease(lake)
        self._answers = ResultCache(lake)
        self._words_there = WordsThere(lake)
        self._evidence = Evidence(lake, Backgrounds(lake, encoders))
        self._threads = ThreadPoolExecutor(max_workers=len(LEGS), thread_name_prefix="leg")

    def search(
        self,
        query: str,
        *,
        limit: int = 10,
        filters: Filters = _NO_FILTERS,
        legs: Sequence[str] | None = None,
        group_by_video: bool = True,
        depth: int = DEPTH,
    ) -> SearchResults:
        """Answers a query from the release that is current as the search begins, and from no other.

        Args:
            query: Any text. A blank one has no results.
            limit: Results at most.
            filters: What every result must meet.
            legs: The legs to ask; None asks all that the release gives a weight. A leg that is named here and has no
                weight counts with weight 1.
            group_by_video: One result a video, its best segment; False gives every segment its own.
            depth: Candidates that a leg contributes, or the part of it that is enough of that leg. When they are
                segments of fewer than `limit` videos, the legs are asked for more, up to 1000.

        Raises:
            NoRelease: Nothing has been released yet.
            BadSearch: A leg that the release does not have, or a `limit` or `depth` below 1.
            BadFusion: The release's weights are not numbers that ranks can be fused with.
            WrongEncoder: The installed model is not the one that made the release's vectors.
            LakeError: Vectors that the release names are not there.
        """
        if limit < 1 or depth < 1:
            raise BadSearch(f"limit and depth must be at least 1, not {limit} and {depth}.", where="search")
        release, text = self._releases.current(), _readable(query)
        asked = (text, limit, filters, None if legs is None else tuple(legs), group_by_video, depth)
        key = self._answers.key(release, asked)
        known = self._answers.find(key)
        if known is not None:
            return known
        question = self._question(release, text, filters, legs)
        hits = self._hits(question, limit, max(depth, limit), group_by_video=group_by_video) if question else []
        answer = SearchResults(release.release_id, text, self._results(hits, filters.uri_prefix or ""))
        return self._answers.keep(key, answer)

    def candidates(self, query: str, *, depth: int = DEPTH) -> list[Hit]:
        """Every segment that a leg of the release finds, best first, with what each leg gives it for a weight of 1.

        Args:
            query: Any text.
            depth: As of `search`.

        Raises:
            NoRelease, BadFusion, WrongEncoder, LakeError: As `search`.
        """
        question = self._question(self._releases.current(), _readable(query), _NO_FILTERS, None)
        if question is None:
            return []
        return self._rank(question, depth, group_by_video=False)[0]

    def similar(self, segment_id: str, *, limit: int = 10, filters: Filters = _NO_FILTERS) -> SearchResults:
        """Videos that look like a segment, the most alike first; its own video is not among them.

        Raises:
            NoRelease: Nothing has been released yet.
            BadSearch: The release has no pictures, or this segment has none in it; or a `limit` below 1.
        """
        release = self._releases.current()
        table = vectors_table_name("visual", _visual_version(release))
        rows = self._lake.read(table, ["video_id", "vector"], in_list("segment_id", [_readable(segment_id)]))
        if not rows.num_rows:
            raise BadSearch("there is no such segment with a picture in the release.", where="similar")
        vector = np.asarray(rows["vector"][0].as_py(), dtype=np.float32)
        return self._nearest(release, vector, limit, filters, without=rows["video_id"][0].as_py())

    def like_picture(self, picture: bytes, *, limit: int = 10, filters: Filters = _NO_FILTERS) -> SearchResults:
        """Videos in which something looks like a picture, the most alike first.

        Args:
            picture: A JPEG, PNG or another format that Pillow reads.
            limit: Results at most.
            filters: What every result must meet.

        Raises:
            NoRelease: Nothing has been released yet.
            BadSearch: The release has no pictures, or a `limit` below 1.
            EncodeFailed: It is not a picture.
        """
        release = self._releases.current()
        if not isinstance(self._encoders, EmbedsPictures):
            raise BadSearch("this index cannot look at pictures.", where="similar")
        vector = self._encoders.embed_picture(_visual_version(release), picture)
        return self._nearest(release, vector, limit, filters, without=None)

    def _nearest(
        self, release: Release, vector: NDArray[np.float32], limit: int, filters: Filters, without: str | None
    ) -> SearchResults:
        if limit < 1:
            raise BadSearch(f"limit must be at least 1, not {limit}.", where="similar")
        where = compile_prefilter(filters, self._lake)
        if without is not None and where != MATCHES_NOTHING:
            others = f"video_id != '{without}'"
            where = others if where is None else f"({where}) AND {others}"
        hits: list[Hit] = []
        depth = max(DEPTH, limit)
        while where != MATCHES_NOTHING:
            table = vectors_table_name("visual", _visual_version(release))
            found = {"visual": search_vectors(self._lake, table, vector, where, depth)}
            shares = {"visual": {one.segment_id: one.score for one in found["visual"]}}
            hits = rank(found, shares, {"visual": 1.0}, group_by_video=True)[:limit]
            if len(hits) == limit or len(found["visual"]) < depth or depth * _DEEPER > _DEEPEST:
                break
            depth *= _DEEPER
        return SearchResults(release.release_id, "", self._results(hits, filters.uri_prefix or ""))

    def close(self) -> None:
        """Ends the threads; the index cannot search afterwards."""
        self._threads.shutdown()

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _question(self, release: Release, text: str, filters: Filters, legs: Sequence[str] | None) -> _Question | None:
        """What is to be asked of which legs; None where nothing can be found."""
        fusion = _fusion(release, legs)
        understood = understand(text)
        where = compile_prefilter(filters, self._lake)
        if not understood.text.strip() or where == MATCHES_NOTHING:
            return None
        for phrase in understood.phrases:
            where = narrowed(where, with_phrase(self._lake, phrase, where))
        asked = worth_asking(understood, tuple(fusion.weights), self._words_there.legs())
        if not asked or where == MATCHES_NOTHING:
            return None
        return _Question(release, fusion.of_legs(asked), understood, where)

    def _hits(self, question: _Question, limit: int, depth: int, *, group_by_video: bool) -> list[Hit]:
        """The first `limit` hits; asks deeper while the many segments of a few videos crowd out the others."""
        while True:
            hits, nothing_left = self._rank(question, depth, group_by_video=group_by_video)
            if len(hits) >= limit or nothing_left or depth * _DEEPER > _DEEPEST:
                return hits[:limit]
            depth *= _DEEPER

    def _rank(self, question: _Question, depth: int, *, group_by_video: bool) -> tuple[list[Hit], bool]:
        """All hits, and whether no leg has more candidates than it gave. The legs run side by side."""
        spaces, weights = question.release.spaces, question.fusion.weights
        depths = {leg: depth_beside_others(leg, depth) if len(weights) > 1 else depth for leg in weights}
        asked = {leg: self._threads.submit(self._ask_leg, question, leg, depths[leg]) for leg in weights}
        answers = {leg: future.result() for leg, future in asked.items()}
        found = {leg: candidates for leg, (candidates, _) in answers.items()}
        vectors = {leg: vector for leg, (_, vector) in answers.items() if vector is not None}
        shares = self._evidence.shares(found, question.fusion, spaces, vectors, question.query.stems)
        hits = rank(found, shares, weights, group_by_video=group_by_video)
        return hits, all(len(candidates) < depths[leg] for leg, candidates in found.items())

    def _ask_leg(self, question: _Question, leg: str, depth: int) -> tuple[list[Candidate], NDArray[np.float32] | None]:
        if leg in WORDS_LEGS:
            return search_words(self._lake, leg, question.query.text, question.where, depth), None
        version = question.release.spaces[leg]
        vector = self._encoders.embed(version, question.query.text)
        return search_vectors(self._lake, vectors_table_name(leg, version), vector, question.where, depth), vector

    def _results(self, hits: Sequence[Hit], uri_prefix: str) -> tuple[Result, ...]:
        """Adds words and places: two reads, whatever the number of hits."""
        if not hits:
            return ()
        documents = self._documents([hit.segment.segment_id for hit in hits])
        uris = first_uris(self._lake, [hit.segment.video_id for hit in hits], preferred_prefix=uri_prefix)
        return tuple(_result(hit, uris, documents) for hit in hits)

    def _documents(self, segment_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        columns = ["segment_id", "caption", "transcript", "screen"]
        rows = self._lake.read(DOCUMENTS.name, columns, in_list("segment_id", segment_ids)).to_pylist()
        return {row["segment_id"]: row for row in rows}


def _visual_version(release: Release) -> str:
    version = release.spaces.get("visual")
    if version is None:
        raise BadSearch(f"release {release.release_id} has no pictures.", where="similar")
    return version


def _readable(query: str) -> str:
    return query.encode(errors="replace").decode()  # half a surrogate pair is no text that a library takes


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


def _result(hit: Hit, uris: dict[str, str], documents: dict[str, dict[str, Any]]) -> Result:
    # A new segment may have its visual vector before its document.
    document = documents.get(hit.segment.segment_id, {"caption": "", "transcript": "", "screen": ""})
    start_ms, end_ms = hit.segment.times_ms
    return Result(
        video_id=hit.segment.video_id,
        uri=uris.get(hit.segment.video_id, ""),
        segment_id=hit.segment.segment_id,
        start_ms=start_ms,
        end_ms=end_ms,
        score=hit.score,
        legs={leg: LegHit(candidate.rank, candidate.score) for leg, candidate in hit.by_leg.items()},
        caption=document["caption"],
        transcript=document["transcript"],
        screen=document["screen"],
    )
