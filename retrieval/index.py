"""A searchable corpus: one query to legs, to one ranking, to results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from encoders.errors import EncodeFailed
from lake.releases import Release
from lake.schema import vectors_table_name
from lake.store import in_list
from retrieval.asking import Asker, Question, Ranking
from retrieval.copies import Copies, Shown
from retrieval.errors import BadSearch
from retrieval.evidence import pictures_in
from retrieval.filters import MATCHES_NOTHING, Filters, compile_prefilter
from retrieval.indexed_language import IndexedLanguage
from retrieval.legs import DEPTH, search_vectors
from retrieval.live_release import LiveRelease
from retrieval.query_encoders import EmbedsPictures, EmbedsQueries
from retrieval.ranking import Hit, by_video, rank
from retrieval.result_cache import ResultCache
from retrieval.results import SearchResults
from retrieval.showing import results_of
from retrieval.warm_lake import WarmLake
from retrieval.words import Language

_DEEPER = 4
_DEEPEST = 1000
_FOLDED_OF_LIMIT = 2
"""So many times the videos that are shown are looked at for copies, and more while too few are left."""
_NO_FILTERS = Filters()
TOGETHER = 32
"""Queries of a batch that are embedded in one go."""
AT_ONCE = 4
"""Queries of a batch that are searched side by side; each has threads of its own for its legs."""


def _nobody(answers: int) -> None:
    """Nobody wants to know how far it is."""


class KnowsRelease(Protocol):
    """What tells which release to answer from. Asked at the beginning of every search."""

    def current(self) -> Release:
        """The release.

        Raises:
            NoRelease: There is none yet.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Wish:
    """How a search is to be answered; the parameters of `Index.search`.

    Raises:
        BadSearch: `limit` or `depth` is below 1.
    """

    limit: int
    filters: Filters
    legs: tuple[str, ...] | None
    group_by_video: bool
    depth: int

    def __post_init__(self) -> None:
        if self.limit < 1 or self.depth < 1:
            raise BadSearch(f"limit and depth must be at least 1, not {self.limit} and {self.depth}.", where="search")


class Index:
    """A lake opened for search. Safe to use from several threads; follows new releases without being opened again."""

    def __init__(self, lake: WarmLake, encoders: EmbedsQueries, releases: KnowsRelease | None = None) -> None:
        self._lake = lake
        self._encoders = encoders
        self._releases = releases or LiveRelease(lake)
        self._answers = ResultCache(lake)
        self._language = IndexedLanguage(lake)
        self._asker = Asker(lake, encoders, self._language)
        self._copies = Copies(lake, self._language)
        self._searches = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="search")

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
            group_by_video: One result a video, its best segment, and none for copies of one above, which it names;
                False gives every segment its own.
            depth: Candidates that a leg contributes, or the part of it that is enough of that leg. When they are
                segments of fewer than `limit` videos, the legs are asked for more, up to 1000.

        Raises:
            NoRelease: Nothing has been released yet.
            BadSearch: A leg that the release does not have, or a `limit` or `depth` below 1.
            BadFusion: The release's weights are not numbers that ranks can be fused with.
            WrongEncoder: The installed model is not the one that made the release's vectors.
            LakeError: Vectors that the release names are not there.
        """
        wish = _Wish(limit, filters, None if legs is None else tuple(legs), group_by_video, depth)
        return self._answer(self._releases.current(), query, wish)

    def search_all(
        self,
        queries: Sequence[str],
        *,
        limit: int = 10,
        filters: Filters = _NO_FILTERS,
        legs: Sequence[str] | None = None,
        group_by_video: bool = True,
        depth: int = DEPTH,
        advance: Callable[[int], object] = _nobody,
    ) -> list[SearchResults]:
        """Answers many queries, all from the release that is current as the first begins; in the order of the queries.

        They are embedded together and searched side by side, which takes about half the time of one after the other.

        Args:
            queries: Any texts.
            limit: Results of each at most.
            filters: What every result must meet.
            legs: As of `search`.
            group_by_video: As of `search`.
            depth: As of `search`.
            advance: Called with 1 for each answer.

        Raises:
            NoRelease, BadSearch, BadFusion, WrongEncoder, LakeError: As `search`.
        """
        wish = _Wish(limit, filters, None if legs is None else tuple(legs), group_by_video, depth)
        release = self._releases.current()
        answers: list[SearchResults] = []
        for start in range(0, len(queries), TOGETHER):
            part = queries[start : start + TOGETHER]
            self._asker.embed(release, [_readable(query) for query in part], wish.legs)
            for answer in self._searches.map(partial(self._answer, release, wish=wish), part):
                answers.append(answer)
                advance(1)
        return answers

    def _answer(self, release: Release, query: str, wish: _Wish) -> SearchResults:
        text = _readable(query)
        key = self._answers.key(release, (text, wish))
        known = self._answers.find(key)
        if known is not None:
            return known
        question = self._asker.question(release, text, wish.filters, wish.legs)
        shown = self._shown(question, wish) if question else []
        results = results_of(self._lake, shown, wish.filters.uri_prefix or "")
        answer = SearchResults(release.release_id, text, results, question.query.meant if question else {})
        return self._answers.keep(key, answer)

    def candidates(self, query: str, *, depth: int = DEPTH) -> list[Hit]:
        """Every segment that a leg of the release finds, best first, with what each leg gives it for a weight of 1.

        Args:
            query: Any text.
            depth: As of `search`.

        Raises:
            NoRelease, BadFusion, WrongEncoder, LakeError: As `search`.
        """
        question = self._asker.question(self._releases.current(), _readable(query), _NO_FILTERS, None)
        return [] if question is None else self._asker.ranking(question, depth).hits

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
            BadSearch: It is not a picture, the release has none, or a `limit` below 1.
        """
        release = self._releases.current()
        if not isinstance(self._encoders, EmbedsPictures):
            raise BadSearch("this index cannot look at pictures.", where="similar")
        try:
            vector = self._encoders.embed_picture(_visual_version(release), picture)
        except EncodeFailed as error:
            raise BadSearch(f"it cannot be read as a picture: {len(picture)} bytes.", where="picture") from error
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
        table = vectors_table_name("visual", _visual_version(release))
        shown: list[Shown] = []
        depth = max(DEPTH, limit)
        while where != MATCHES_NOTHING:
            found = {"visual": search_vectors(self._lake, table, vector, where, depth)}
            shares = {"visual": {one.segment_id: one.score for one in found["visual"]}}
            ranking = Ranking(
                rank(found, shares, {"visual": 1.0}),
                is_all=len(found["visual"]) < depth,
                pictures=pictures_in(found["visual"]),
            )
            shown = self._folded(release, ranking, limit)
            if len(shown) == limit or ranking.is_all or depth * _DEEPER > _DEEPEST:
                break
            depth *= _DEEPER
        return SearchResults(release.release_id, "", results_of(self._lake, shown, filters.uri_prefix or ""))

    @property
    def language(self) -> Language:
        """How words are taken: what shows the words that matched needs it."""
        return self._language.current()

    def close(self) -> None:
        """Ends the threads; the index cannot search afterwards."""
        self._searches.shutdown()
        self._asker.close()

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _shown(self, question: Question, wish: _Wish) -> list[Shown]:
        """The first `limit`; asks deeper while the many segments of a few videos crowd out the others."""
        depth = max(wish.depth, wish.limit)
        while True:
            ranking = self._asker.ranking(question, depth)
            if wish.group_by_video:
                shown = self._folded(question.release, ranking, wish.limit)
            else:
                shown = [Shown(hit) for hit in ranking.hits[: wish.limit]]
            if len(shown) >= wish.limit or ranking.is_all or depth * _DEEPER > _DEEPEST:
                return shown
            depth *= _DEEPER

    def _folded(self, release: Release, ranking: Ranking, limit: int) -> list[Shown]:
        videos, looked_at = by_video(ranking.hits), _FOLDED_OF_LIMIT * limit
        while True:
            first = videos[:looked_at]
            pictures = self._asker.pictures_of(release, ranking, [hits[0] for hits in first])
            shown = self._copies.folded(first, pictures, limit)
            if len(shown) == limit or looked_at >= len(videos):
                return shown
            looked_at *= _FOLDED_OF_LIMIT


def _visual_version(release: Release) -> str:
    version = release.spaces.get("visual")
    if version is None:
        raise BadSearch(f"release {release.release_id} has no pictures.", where="similar")
    return version


def _readable(query: str) -> str:
    return query.encode(errors="replace").decode()  # half a surrogate pair is no text that a library takes
