"""What a query is taken for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.index import Index
from retrieval.indexes import ensure_indexes
from retrieval.legs import LEGS
from retrieval.planner import understand, worth_asking
from tests.retrieval.small_corpus import Scene, SmallCorpus, WordVectors

ALL = frozenset({"caption", "transcript", "screen"})


@pytest.mark.parametrize(
    ("text", "plain", "phrases", "only"),
    [
        ("a dog", "a dog", (), False),
        ('a "big dog" runs', "a big dog runs", ("big dog",), False),
        ('"big dog"', "big dog", ("big dog",), True),
        ('the "big dog"', "the big dog", ("big dog",), True),
        ('"big dog', '"big dog', (), False),
        ('""', '""', (), False),
        ('"the"', '"the"', (), False),
        ('"a dog" "a dog" "cat"', "a dog a dog cat", ("a dog", "cat"), True),
    ],
)
def test_what_is_in_quotes_is_a_phrase(text: str, plain: str, phrases: tuple[str, ...], only: bool) -> None:
    query = understand(text)
    assert (query.text, query.phrases, query.only_phrases) == (plain, phrases, only)


@given(st.text(max_size=50))
def test_any_text_is_understood(text: str) -> None:
    query = understand(text)
    assert set(worth_asking(query, LEGS, ALL)) <= set(LEGS)
    if not query.phrases:
        assert query.text == text


def test_legs_that_cannot_find_anything_are_not_asked() -> None:
    assert worth_asking(understand("a dog"), LEGS, ALL) == LEGS
    assert worth_asking(understand("a dog"), LEGS, frozenset({"caption"})) == ("caption", "visual", "text")
    assert worth_asking(understand("the"), LEGS, ALL) == ("visual", "text")
    assert worth_asking(understand('"a dog"'), LEGS, ALL) == ("caption", "transcript", "screen")


SAID = Scene(1, transcript="she said look at the big waves", shows="sand")
SAID_OTHERWISE = Scene(2, transcript="the waves are big", shows="sand big waves")


@pytest.mark.parametrize("indexed", [False, True])
def test_a_phrase_must_occur(small: SmallCorpus, index: Index, encoder: WordVectors, indexed: bool) -> None:
    small.write([SAID, SAID_OTHERWISE])
    small.release()
    if indexed:
        ensure_indexes(small.lake)
    assert len(index.search("big waves").results) == 2
    encoder.asked.clear()
    (found,) = index.search('"big waves"').results
    assert found.segment_id == SAID.segment_id
    assert not encoder.asked, "all of it is in quotes: no model is asked"
    # Without an index there are no stems.
    (found,) = index.search('sand "big wave"' if indexed else 'sand "big waves"').results
    assert found.segment_id == SAID.segment_id
    assert {"transcript", "visual"} <= set(found.legs)
    assert index.search('"waves big"').results == ()


def test_words_that_come_later_are_asked_for(small: SmallCorpus, index: Index) -> None:
    small.write([Scene(1, caption="a dog", shows="dog")])
    small.release()
    assert index.search("waves", legs=["transcript"]).results == ()
    small.write([SAID])
    assert len(index.search("waves", legs=["transcript"]).results) == 1
