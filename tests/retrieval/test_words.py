"""Words as the index takes them."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from retrieval.indexes import ensure_indexes
from retrieval.legs import search_words
from retrieval.words import ENGLISH_STOP_WORDS, Language
from tests.retrieval.small_corpus import Scene, SmallCorpus

ENGLISH = Language()
stems_of, coverage, matched = ENGLISH.stems_of, ENGLISH.coverage, ENGLISH.matched
INFLECTED = ("running", "dogs", "generously", "happiness", "flies", "cities", "national", "skiing", "children", "üben")


def test_endings_and_capitals_are_the_same_word_and_stop_words_are_none() -> None:
    assert stems_of("The Dogs are RUNNING, running to the dog") == stems_of("dog run")
    assert stems_of("the of and to") == frozenset()
    assert coverage(stems_of("a dog on the beach"), "Two dogs. Waves!") == 0.5
    assert coverage(frozenset(), "anything") == 0


def test_matched_words_are_told_by_their_places() -> None:
    text = "Dogs, a cat and one more dog."
    assert [text[start:end] for start, end in matched(stems_of("the dog"), text)] == ["Dogs", "dog"]


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_text_covers_itself_and_places_lie_within_it(query: str, text: str) -> None:
    stems = stems_of(query)
    assert coverage(stems, query) == bool(stems)
    assert 0 <= coverage(stems, text) <= 1
    assert all(stems_of(text[start:end]) <= stems for start, end in matched(stems, text))


def test_the_index_has_the_same_stems_and_stop_words(tmp_path: Path) -> None:
    corpus = SmallCorpus(tmp_path)
    corpus.write([Scene(number, caption=word) for number, word in enumerate(INFLECTED, start=1)])
    corpus.write([Scene(99, caption=" ".join(sorted(ENGLISH_STOP_WORDS)))])
    ensure_indexes(corpus.lake)
    for number, word in enumerate(INFLECTED, start=1):
        (stem,) = stems_of(word)
        others = [other for other in (stem, word) if stems_of(other) == {stem}]
        for other in others:
            found = search_words(corpus.lake, "caption", other, None, 5)
            assert [int(one.video_id, 16) for one in found] == [number], (word, other)
    assert all(not search_words(corpus.lake, "caption", word, None, 5) for word in ENGLISH_STOP_WORDS)
