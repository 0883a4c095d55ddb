"""The words of a corpus: kept once, in small letters, and made up for where a lake is older than they are."""

from __future__ import annotations

from pathlib import Path

from lake.known_words import add_words, fill_words, kept_words
from lake.schema import WORDS
from lake.store import Lake
from tests.retrieval.small_corpus import Scene, SmallCorpus


def _words(lake: Lake) -> list[str]:
    return sorted(lake.read(WORDS.name, ["word"])["word"].to_pylist())


def test_words_of_four_letters_or_more_are_kept_and_nothing_else() -> None:
    assert kept_words("The Café's MP4 number 12345 x_ray_tube été") == {"café", "number", "tube"}
    assert kept_words("a" * 31) == set()
    assert kept_words("") == set()


def test_a_word_is_kept_once(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    add_words(lake, ["a Whale sings", "whale songs"])
    add_words(lake, ["the whale sings"])
    add_words(lake, ["", "a b c"])
    assert _words(lake) == ["sings", "songs", "whale"]


def test_a_lake_that_had_none_gets_those_of_its_documents_once(tmp_path: Path) -> None:
    small = SmallCorpus(tmp_path)
    fill_words(small.lake)
    assert _words(small.lake) == []
    small.write([Scene(1, caption="a brown bear", transcript="hello there", screen="EXIT ONLY")])
    fill_words(small.lake)
    assert _words(small.lake) == ["bear", "brown", "exit", "hello", "only", "there"]
    small.write([Scene(2, caption="a lion roars")])
    fill_words(small.lake)
    assert "lion" not in _words(small.lake), "documents bring their own words from then on"
