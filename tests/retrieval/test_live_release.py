"""One release a search, and the newest one at every search."""

from __future__ import annotations

import lancedb
import numpy as np
from numpy.typing import NDArray

from lake.releases import Releases
from lake.schema import vectors_table_name
from retrieval.index import Index
from retrieval.warm_lake import WarmLake
from tests.retrieval.small_corpus import FIRST, Scene, SmallCorpus, WordVectors, word_vector

SECOND = {"visual": "words-2", "text": "words-1"}
DOG = Scene(1, caption="a dog", shows="dog")
CAT = Scene(2, caption="a cat", shows="cat")


def test_a_new_release_is_followed_without_opening_again(
    small: SmallCorpus, index: Index, encoder: WordVectors
) -> None:
    small.write([DOG])
    small.release(FIRST)
    assert index.search("dog", legs=["visual"]).release_id == 1
    small.write([DOG, CAT], versions=SECOND)
    assert len(index.search("dog", legs=["visual"]).results) == 1
    small.release(SECOND)
    after = index.search("dog", legs=["visual"])
    assert (after.release_id, len(after.results)) == (2, 2)
    assert after.results[0].legs["visual"].score > 0.99
    small.release(FIRST)
    assert index.search("dog", legs=["visual"]).release_id == 3
    assert encoder.asked == ["words-1", "words-1", "words-2", "words-1"]


class ReleasesMeanwhile:
    """Another process promotes a version while a query is being embedded."""

    def __init__(self, small: SmallCorpus) -> None:
        self._small = small

    def embed(self, version: str, query: str) -> NDArray[np.float32]:
        """The vector of a query."""
        if len(Releases(self._small.lake).all()) == 1:
            self._small.release(SECOND)
        return word_vector(version, query)


def test_a_release_made_during_a_search_is_not_in_it(small: SmallCorpus) -> None:
    small.write([DOG])
    small.write([DOG, CAT], versions=SECOND)
    small.release(FIRST)
    with Index(WarmLake(small.folder), ReleasesMeanwhile(small)) as index:
        during = index.search("dog", legs=["visual"])
        after = index.search("dog", legs=["visual"])
    assert (during.release_id, len(during.results)) == (1, 1)
    assert (after.release_id, len(after.results)) == (2, 2)


def test_a_version_that_was_dropped_and_made_again_is_read_afresh(small: SmallCorpus, index: Index) -> None:
    small.write([DOG])
    small.release(FIRST)
    index.search("dog", legs=["visual"])
    small.release(SECOND)
    lancedb.connect(small.folder).drop_table(vectors_table_name("visual", "words-1"))
    again = SmallCorpus(small.folder)
    again.write([CAT])
    again.release(FIRST)
    (result,) = index.search("cat", legs=["visual"]).results
    assert result.segment_id == CAT.segment_id
