"""Every language is searched as it is indexed, and the index alone says which it is."""

from __future__ import annotations

from typing import get_args

import pytest

from retrieval.index import Index
from retrieval.indexed_language import IndexedLanguage, language_of
from retrieval.indexes import ensure_indexes
from retrieval.legs import search_words, with_phrase
from retrieval.planner import understand
from retrieval.words import ANY, LANGUAGES, Language
from settings.model import SearchLanguage
from tests.retrieval.small_corpus import Scene, SmallCorpus, video

SENTENCES = {
    "arabic": ("الكلاب تلعب في الحديقة", "كلاب"),
    "danish": ("hundene løber på stranden", "hund"),
    "dutch": ("de honden rennen over het strand", "hond"),
    "english": ("the dogs are running on the beach", "dog"),
    "finnish": ("koirat juoksevat rannalla", "koira"),
    "french": ("les chiens courent sur la plage près du café", "chien"),
    "german": ("die Hunde laufen über den Strand", "Hund"),
    "greek": ("σκύλοι τρέχουν στην παραλία", "σκύλος"),
    "hungarian": ("a kutyák futnak a strandon", "kutya"),
    "italian": ("i cani corrono sulla spiaggia", "cane"),
    "norwegian": ("hundene løper på stranden", "hund"),
    "portuguese": ("os cachorros correm na praia", "cachorro"),
    "romanian": ("câinii aleargă pe plajă", "câine"),
    "russian": ("собаки бегут по пляжу", "собака"),
    "spanish": ("los perros corren por la playa", "perro"),
    "swedish": ("hundarna springer på stranden", "hundar"),
    "turkish": ("köpekler sahilde koşuyor", "köpek"),
}


def test_the_settings_know_the_same_languages() -> None:
    assert set(get_args(SearchLanguage)) == set(LANGUAGES) == {*SENTENCES, ANY}


@pytest.mark.parametrize("name", SENTENCES)
def test_the_index_and_the_words_agree(small: SmallCorpus, name: str) -> None:
    sentence, other_form = SENTENCES[name]
    language = Language(name)
    small.write([Scene(1, caption=sentence), Scene(2, caption="xyzzy plugh")])
    ensure_indexes(small.lake, language=language)
    assert language_of(small.lake) == language
    for start, end, _ in language.words_of(sentence):
        word = sentence[start:end]
        assert [one.video_id for one in search_words(small.lake, "caption", word, None, 5)] == [video(1)], word
    if language.stems_of(other_form) <= language.stems_of(sentence):
        assert search_words(small.lake, "caption", other_form, None, 5)
    said_nothing = " ".join(sorted(word for word in language.stop_words() if word.isalpha()))
    assert understand(said_nothing, language).words.strip() == ""
    assert language.coverage(language.stems_of(sentence), sentence) == 1


@pytest.mark.parametrize("name", ["english", "french", "german", "spanish", "russian"])
def test_endings_do_not_matter(name: str) -> None:
    sentence, other_form = SENTENCES[name]
    assert Language(name).stems_of(other_form) < Language(name).stems_of(sentence)


def test_a_phrase_is_found_with_the_words_between_that_say_nothing(small: SmallCorpus) -> None:
    small.write([Scene(1, caption=SENTENCES["french"][0])])
    ensure_indexes(small.lake, language=Language("french"))
    assert with_phrase(small.lake, "chiens courent sur la plage", None)
    assert not with_phrase(small.lake, "chiens courent sous la plage", None)


def test_accents_do_not_matter(small: SmallCorpus) -> None:
    french = Language("french")
    small.write([Scene(1, caption=SENTENCES["french"][0])])
    ensure_indexes(small.lake, language=french)
    assert french.coverage(french.stems_of("cafe"), SENTENCES["french"][0]) == 1
    assert search_words(small.lake, "caption", "cafe", None, 5)


def test_scripts_without_spaces_are_searched_in_any_language(small: SmallCorpus, index: Index) -> None:
    ensure_indexes(small.lake, language=Language(ANY))
    small.write([Scene(1, caption="我喜欢看电影"), Scene(2, caption="犬が走る"), Scene(3, caption="a dog runs")])
    ensure_indexes(small.lake, language=Language(ANY))
    small.release()
    assert index.language == Language(ANY)
    for query, number in (("电影", 1), ("犬", 2), ("dog", 3)):
        (found,) = index.search(query, legs=["caption"]).results
        assert found.video_id == video(number)
        places = index.language.matched(index.language.stems_of(query), found.caption)
        assert "".join(found.caption[start:end] for start, end in places) == query


def test_another_language_makes_the_index_again_and_the_same_one_does_not(small: SmallCorpus) -> None:
    small.write([Scene(1, caption="les chiens")])
    followed = IndexedLanguage(small.lake)
    assert followed.current() == Language("english"), "as long as there is no index"
    ensure_indexes(small.lake)
    assert "documents.caption" not in ensure_indexes(small.lake).created
    changed = ensure_indexes(small.lake, language=Language("french"))
    assert {"documents.caption", "documents.transcript", "documents.screen"} <= set(changed.created)
    assert followed.current() == Language("french")
    assert search_words(small.lake, "caption", "chien", None, 5)
    assert ensure_indexes(small.lake, language=Language("french")).created == ()
