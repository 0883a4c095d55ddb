"""A mistyped word finds what was meant; a word that is right, or only rare, is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from lake.known_words import add_words
from retrieval.index import Index
from retrieval.planner import understand
from retrieval.spelling import MOST_CORRECTED, Spelling
from retrieval.words import Language
from tests.retrieval.small_corpus import FIRST, Scene, SmallCorpus

ENGLISH = Language()
KNOWN = ("telescope", "guitar", "kitchen", "number", "running", "mountain", "house", "café")


@pytest.fixture(scope="module")
def spelling(tmp_path_factory: pytest.TempPathFactory) -> Spelling:
    small = SmallCorpus(tmp_path_factory.mktemp("words"))
    add_words(small.lake, KNOWN)
    return Spelling(small.lake)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("telescpe", {"telescpe": "telescope"}),
        ("teelscpoe", {"teelscpoe": "telescope"}),
        ("Guitarr lesson", {"guitarr": "guitar"}),
        ("nubmer", {"nubmer": "number"}),
        ("kitchens", {}),
        ("run", {}),
        ("runs runner", {}),
        ("hause", {"hause": "house"}),
        ("nountain", {}),
        ("cars", {}),
        ("", {}),
        ("12345 !!!", {}),
    ],
)
def test_words_and_what_they_were_meant_to_be(spelling: Spelling, typed: str, meant: dict[str, str]) -> None:
    assert spelling.corrected(typed, ENGLISH) == meant


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(word=st.sampled_from(KNOWN), data=st.data())
def test_one_slip_after_the_first_letter_is_forgiven(spelling: Spelling, word: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(1, len(word) - 1))
    letter = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz"))
    slipped = data.draw(
        st.sampled_from([word[:place] + word[place + 1 :], word[:place] + letter + word[place:],
                         word[:place] + letter + word[place + 1 :]])
    )  # fmt: skip
    corrected = spelling.corrected(slipped, ENGLISH)
    if slipped in KNOWN or len(slipped) < 5:
        assert corrected == {}
    elif corrected:
        assert OSA.distance(slipped, corrected[slipped]) <= 2
        assert corrected[slipped] in KNOWN
    else:
        assert ENGLISH.stems_of(slipped) & ENGLISH.stems_of(" ".join(KNOWN)), "it is a form of a word that is known"


def test_only_some_words_of_a_long_query_are_looked_at(spelling: Spelling) -> None:
    query = " ".join(f"telesc{letter}pe" for letter in "abcdefghij")
    assert len(spelling.corrected(query, ENGLISH)) == MOST_CORRECTED


def test_what_may_have_been_meant_counts_half() -> None:
    query = understand("blue guitr", ENGLISH, lambda *_: {"guitr": "guitar"})
    assert query.words == "blue guitr guitar"
    assert ENGLISH.coverage(query.stems, "a guitar", query.instead) == pytest.approx(1 / 4)
    assert ENGLISH.coverage(query.stems, "a blue guitar", query.instead) == pytest.approx(3 / 4)
    assert ENGLISH.coverage(query.stems, "a guitr", query.instead) == pytest.approx(1 / 2)


def test_a_phrase_is_taken_as_it_was_typed() -> None:
    asked: list[str] = []

    def spelling(text: str, language: Language) -> dict[str, str]:
        assert language == ENGLISH
        asked.append(text.strip())
        return {}

    understand('"exactly thsi" and otehr', ENGLISH, spelling)
    assert asked == ["and otehr"]


def test_a_mistyped_query_finds_what_is_said_and_says_so(small: SmallCorpus, index: Index) -> None:
    said = "this is the telescope in its clean room"
    add_words(small.lake, [said])
    small.write([Scene(1, transcript=said, shows="gold"), Scene(2, transcript="nothing of it", shows="sea")])
    small.release(FIRST, fusion={"context": 0.3, "transcript": 1.0, "visual": 0.1, "text": 0.1})
    answer = index.search("telescpe", legs=["transcript"])
    assert [one.segment_id for one in answer.results] == [Scene(1).segment_id]
    assert answer.meant == {"telescpe": "telescope"}
    assert answer.to_dict()["meant"] == {"telescpe": "telescope"}
    assert index.search("telescope").meant == {}


def test_new_words_are_known_at_once(tmp_path: Path) -> None:
    small = SmallCorpus(tmp_path)
    spelling = Spelling(small.lake)
    assert spelling.corrected("volcanno", ENGLISH) == {}
    add_words(small.lake, ["volcano"])
    assert spelling.corrected("volcanno", ENGLISH) == {"volcanno": "volcano"}
    add_words(small.lake, ["volcanno"])
    assert spelling.corrected("volcanno", ENGLISH) == {}
