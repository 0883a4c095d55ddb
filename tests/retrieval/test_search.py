"""A query to results, over real tables."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lake.errors import LakeError, NoLake, NoRelease
from lake.store import Lake
from retrieval import SearchResults, open_index
from retrieval.errors import BadFusion, BadSearch
from retrieval.index import Index
from retrieval.indexes import ensure_indexes
from tests.retrieval.small_corpus import EQUAL_WEIGHTS, FIRST, Scene, SmallCorpus, WordVectors, video

BEACH = Scene(1, caption="a dog runs on the beach", transcript="look at the waves", shows="sand sea dog")
KITCHEN = Scene(2, caption="a woman in a kitchen", transcript="now we cook pasta", shows="stove pan")
GUITAR = Scene(3, caption="a man on a stage", transcript="the guitar needs new strings", shows="guitar lights")


def found(results: SearchResults) -> list[int]:
    """The numbers of the videos in the order of the results."""
    return [int(result.video_id, 16) for result in results.results]


def test_each_leg_finds_what_it_knows(small: SmallCorpus, index: Index) -> None:
    small.write([BEACH, KITCHEN, GUITAR])
    small.release()
    assert found(index.search("kitchen", legs=["caption"])) == [2]
    assert found(index.search("strings", legs=["transcript"])) == [3]
    assert found(index.search("sand", legs=["visual"]))[0] == 1
    assert found(index.search("pasta", legs=["text"]))[0] == 2


def test_a_result_tells_its_words_place_and_scores_by_leg(small: SmallCorpus, index: Index) -> None:
    small.write([BEACH, KITCHEN, GUITAR])
    small.write_video(3, uris=["/videos/stage.mp4"])
    small.release()
    best = index.search("guitar").results[0]
    assert (best.video_id, best.segment_id, best.uri) == (video(3), GUITAR.segment_id, "/videos/stage.mp4")
    assert (best.start_ms, best.end_ms) == (0, 1000)
    assert (best.caption, best.transcript) == (GUITAR.caption, GUITAR.transcript)
    assert set(best.legs) == {"transcript", "visual", "text"}
    assert best.legs["visual"].rank == 1
    assert 0.5 < best.legs["visual"].score <= 1.0
    assert best.score == pytest.approx(3 / 61)


def test_json_is_the_contract(small: SmallCorpus, index: Index) -> None:
    small.write([BEACH])
    release = small.release()
    answer = json.loads(json.dumps(index.search("dog").to_dict(), allow_nan=False))
    assert list(answer) == ["release", "query", "results", "meant"]
    assert (answer["release"], answer["query"]) == (release.release_id, "dog")
    first = ["video_id", "uri", "segment_id", "start_ms", "end_ms", "score", "legs", "caption", "transcript", "screen"]
    keys = [*first, "copies"]
    assert list(answer["results"][0]) == keys
    assert set(answer["results"][0]["legs"]) <= {"caption", "transcript", "visual", "text"}
    assert all(set(hit) == {"rank", "score"} for hit in answer["results"][0]["legs"].values())


def test_the_weights_decide_between_legs_that_disagree(small: SmallCorpus, index: Index) -> None:
    said, shown = Scene(1, caption="a dog", shows="cars road"), Scene(2, caption="a road", shows="dog")
    small.write([said, shown])
    only = {"k": 0.0, "caption": 1.0, "visual": 1.0}
    small.release(fusion={**only, "caption": 3.0})
    assert found(index.search("dog")) == [1, 2]
    small.release(fusion={**only, "visual": 3.0})
    assert found(index.search("dog")) == [2, 1]
    small.release(fusion={**only, "visual": 0.0})
    results = index.search("dog")
    assert found(results) == [1]
    assert set(results.results[0].legs) == {"caption"}


def test_a_row_is_found_as_soon_as_it_is_written(small: SmallCorpus, index: Index) -> None:
    small.release()
    small.write([])
    assert index.search("dog").results == ()
    small.write([BEACH])
    assert found(index.search("dog", legs=["caption"])) == [1]
    ensure_indexes(small.lake)
    small.write([Scene(4, caption="many dogs bark", transcript="hounds", shows="fur")])
    assert sorted(found(index.search("dogs", legs=["caption"]))) == [1, 4]
    assert found(index.search("hound", legs=["transcript"])) == [4]
    assert found(index.search("fur", legs=["visual"]))[0] == 4
    assert found(index.search("hounds", legs=["text"]))[0] == 4


def test_changed_words_are_found_and_old_ones_are_not(small: SmallCorpus, index: Index) -> None:
    small.write([BEACH, KITCHEN])
    small.release()
    ensure_indexes(small.lake)
    small.write([Scene(1, caption="a zebra", transcript=BEACH.transcript)])
    assert found(index.search("zebra", legs=["caption"])) == [1]
    assert found(index.search("beach", legs=["caption"])) == []


def test_one_result_a_video_is_its_best_segment(small: SmallCorpus, index: Index) -> None:
    best = Scene(1, 5000, caption="dog dog dog", shows="dog")
    small.write(
        [Scene(1, t * 1000, caption="a dog and a cat and a cow", shows="dog cat cow") for t in range(4)] + [best]
    )
    small.write([Scene(2, caption="a dog in the rain with a cat", shows="rain")])
    small.release()
    by_video = index.search("dog")
    assert found(by_video) == [1, 2]
    assert by_video.results[0].segment_id == best.segment_id
    assert found(index.search("dog", group_by_video=False)).count(1) == 5


def test_many_segments_of_one_video_do_not_crowd_out_the_others(small: SmallCorpus, index: Index) -> None:
    small.write([Scene(1, t * 1000, caption="dog", shows="dog") for t in range(120)])
    small.write([Scene(n, caption="a dog among many other things here", shows="dog tree") for n in range(2, 6)])
    small.release()
    assert found(index.search("dog", limit=5, depth=10))[0] == 1
    assert sorted(found(index.search("dog", limit=5, depth=10))) == [1, 2, 3, 4, 5]
    assert len(index.search("dog", limit=5, depth=10, group_by_video=False).results) == 5


def test_segments_that_a_leg_cannot_tell_apart_share_a_rank(small: SmallCorpus, index: Index) -> None:
    small.write([Scene(n, caption="a dog") for n in (3, 1, 2)] + [Scene(4, caption="a dog, a cat, a cow and a hen")])
    small.release()
    results = index.search("dog", legs=["caption"]).results
    assert [(int(r.video_id, 16), r.legs["caption"].rank) for r in results] == [(1, 1), (2, 1), (3, 1), (4, 4)]


def test_a_segment_with_a_vector_and_no_document_yet(small: SmallCorpus, index: Index) -> None:
    scene = Scene(7, 2000, shows="dog")
    small.write([scene])
    small.release()
    (result,) = index.search("dog").results
    assert (result.segment_id, result.start_ms, result.caption, result.uri) == (scene.segment_id, 2000, "", "")


def test_the_uri_is_a_place_that_is_still_there(small: SmallCorpus, index: Index) -> None:
    small.write([BEACH, KITCHEN])
    small.write_video(1, uris=["/c.mp4", "/b.mp4"], missing=["/a.mp4"])
    small.write_video(2, missing=["/gone.mp4"])
    small.release()
    assert index.search("dog", legs=["caption"]).results[0].uri == "/b.mp4"
    assert index.search("kitchen", legs=["caption"]).results[0].uri == "/gone.mp4"


ODD = ["", "   ", "\n\t", '"', "'", "'; DROP TABLE documents; --", "dog AND NOT", "(((", "*", "dog*", "a:b^2~", "the",
       "🎬🐕", "\x00", "\ud800", "نص عربي", "犬", "\\", "%", "dog\x00beach"]  # fmt: skip


@pytest.mark.parametrize("query", ODD)
def test_any_text_is_a_query(small: SmallCorpus, index: Index, query: str) -> None:
    small.write([BEACH, KITCHEN, GUITAR])
    small.release()
    results = index.search(query)
    printed = json.dumps(results.to_dict(), ensure_ascii=False).encode()
    assert json.loads(printed)["query"] == query.replace("\ud800", "?")
    if not query.strip():
        assert results.results == ()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(st.characters(), max_size=40))
def test_whatever_the_text_is(small: SmallCorpus, index: Index, query: str) -> None:
    if not Lake.exists(small.folder) or small.lake.count("releases") == 0:
        small.write([BEACH, KITCHEN, GUITAR])
        small.release()
    assert len(index.search(query, limit=2).results) <= 2


def test_a_query_of_ten_thousand_characters(small: SmallCorpus, index: Index) -> None:
    small.write([BEACH, KITCHEN])
    small.release()
    assert found(index.search("beach " * 1700, legs=["caption"])) == [1]
    assert found(index.search(" ".join(f"word{n}" for n in range(1200)) + " kitchen", legs=["caption"])) == [2]


def test_empty_tables_have_no_results(small: SmallCorpus, index: Index) -> None:
    small.write([])
    small.release()
    assert index.search("dog").results == ()
    ensure_indexes(small.lake)
    assert index.search("dog").results == ()


def test_a_space_that_the_release_does_not_have_is_not_asked(
    small: SmallCorpus, index: Index, encoder: WordVectors
) -> None:
    small.write([BEACH])
    small.release({"text": FIRST["text"]})
    assert found(index.search("dog")) == [1]
    assert encoder.asked == ["words-1"]
    with pytest.raises(BadSearch, match=r"no leg visual.*caption, transcript, screen, text"):
        index.search("dog", legs=["visual"])


@pytest.mark.parametrize("asked", [{"limit": 0}, {"depth": 0}, {"legs": []}, {"legs": ["captions"]}])
def test_a_search_that_has_no_answer(small: SmallCorpus, index: Index, asked: dict[str, object]) -> None:
    small.release()
    with pytest.raises(BadSearch):
        index.search("dog", **asked)  # type: ignore[arg-type]


def test_no_lake(tmp_path: Path) -> None:
    with pytest.raises(NoLake, match="reelindex ingest"):
        open_index(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_no_release(small: SmallCorpus) -> None:
    with open_index(str(small.folder)) as opened, pytest.raises(NoRelease, match="nothing has been released"):
        opened.search("dog")


def test_vectors_that_are_gone_are_an_error(small: SmallCorpus, index: Index) -> None:
    small.write([BEACH])
    small.release({**FIRST, "visual": "words-2"})
    with pytest.raises(LakeError, match=r"vectors__visual__words_2.*reelindex rollback"):
        index.search("dog")


def test_bad_weights_are_an_error(small: SmallCorpus, index: Index) -> None:
    small.release(fusion={**EQUAL_WEIGHTS, "caption": -1.0})
    with pytest.raises(BadFusion, match="caption"):
        index.search("dog")


def test_many_threads_get_the_same_answer(small: SmallCorpus, index: Index) -> None:
    small.write([BEACH, KITCHEN, GUITAR])
    small.release()
    alone = index.search("dog on the stage")
    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(lambda _: index.search("dog on the stage"), range(24))) == [alone] * 24
