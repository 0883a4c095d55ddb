"""Many queries at once are answered as each would be, and from one release."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from retrieval import Filters
from retrieval.errors import BadSearch
from retrieval.index import TOGETHER, Index
from retrieval.warm_lake import WarmLake
from tests.retrieval.small_corpus import EQUAL_WEIGHTS, Scene, SmallCorpus, WordVectors, video

WORDS = ("dog", "cat", "cow", "hen", "sea", "car")


class ManyWordVectors(WordVectors):
    """`WordVectors` that remembers which texts it was given together."""

    def __init__(self) -> None:
        super().__init__()
        self.together: list[tuple[str, tuple[str, ...]]] = []

    def embed_all(self, version: str, queries: Sequence[str]) -> None:
        self.together.append((version, tuple(queries)))


def _corpus(small: SmallCorpus) -> None:
    small.write(
        [Scene(number, caption=f"a {word}", transcript=f"the {word} is here", shows=f"{word} field")
         for number, word in enumerate(WORDS, start=1)]
    )  # fmt: skip
    small.release()


def test_answers_are_those_of_one_search_each_in_order(small: SmallCorpus, index: Index) -> None:
    _corpus(small)
    queries = [f"{WORDS[number % 6]} {number}" for number in range(TOGETHER + 7)] + ["", '"sea', "\ud800"]
    counted: list[int] = []
    answers = index.search_all(queries, limit=3, advance=counted.append)
    assert answers == [index.search(query, limit=3) for query in queries]
    assert sum(counted) == len(queries)
    only = Filters(video_ids=(video(1),))
    assert [one.video_ids() for one in index.search_all(["dog", "cat"], filters=only, legs=["caption"])] == [
        [video(1)],
        [],
    ]
    assert index.search_all([]) == []


def test_all_are_answered_from_the_release_that_the_first_was(small: SmallCorpus, index: Index) -> None:
    _corpus(small)

    def release_once(answers: int) -> None:
        if not made:
            made.append(small.release(fusion={**EQUAL_WEIGHTS, "caption": 2.0}).release_id)

    made: list[int] = []
    answers = index.search_all([f"dog {number}" for number in range(3 * TOGETHER)], advance=release_once)
    assert made == [2]
    assert {one.release_id for one in answers} == {1}
    assert index.search("dog").release_id == 2


def test_queries_are_embedded_together_and_only_where_they_are_asked(small: SmallCorpus) -> None:
    _corpus(small)
    encoder = ManyWordVectors()
    with Index(WarmLake(small.folder), encoder) as index:
        index.search_all(["dog", "", '"cat"', '"cow" sea'])
        assert encoder.together == [("words-1", ("dog", "cow sea"))] * 2, "once for each space"
        encoder.together.clear()
        index.search_all(["dog"], legs=["caption"])
        assert encoder.together == []


def test_a_wrong_wish_is_told_before_anything_is_asked(small: SmallCorpus, index: Index) -> None:
    _corpus(small)
    with pytest.raises(BadSearch, match="limit and depth"):
        index.search_all(["dog"], limit=0)
    with pytest.raises(BadSearch, match="no leg sounds"):
        index.search_all(["dog"], legs=["sounds"])
