"""What was answered before is answered again only while nothing has changed."""

from __future__ import annotations

from retrieval import Filters
from retrieval.index import Index
from tests.retrieval.small_corpus import EQUAL_WEIGHTS, Scene, SmallCorpus, WordVectors, video


def test_the_same_question_is_answered_once(small: SmallCorpus, index: Index, encoder: WordVectors) -> None:
    small.write([Scene(1, caption="a dog", shows="dog"), Scene(2, caption="a cat", shows="cat")])
    small.write_video(1, uris=["/a.mp4"])
    small.release()
    first = index.search("dog")
    encoder.asked.clear()
    assert index.search("dog") is first
    assert not encoder.asked
    assert index.search("dog", limit=1) is not first
    assert index.search("dog", legs=["caption"]) is not first
    assert index.search("dog", filters=Filters(video_ids=(video(1),))) is not first


def test_whatever_changes_an_answer_is_seen_at_once(small: SmallCorpus, index: Index) -> None:
    small.write([Scene(1, caption="a dog", shows="dog")])
    small.release()
    assert [one.video_id for one in index.search("dog").results] == [video(1)]
    small.write([Scene(2, shows="dog dog")])
    assert {one.video_id for one in index.search("dog").results} == {video(1), video(2)}
    assert index.search("dog").results[0].uri == ""
    small.write_video(1, uris=["/a.mp4"])
    small.write_video(2, uris=["/b.mp4"])
    assert {one.uri for one in index.search("dog").results} == {"/a.mp4", "/b.mp4"}
    before = index.search("dog")
    small.release(fusion={**EQUAL_WEIGHTS, "caption": 9.0})
    assert index.search("dog").release_id == before.release_id + 1
    small.write_video(1, uris=["/a.mp4"], language="fr")
    assert not index.search("dog", filters=Filters(language="de")).results
    small.write_video(1, uris=["/a.mp4"], language="de")
    assert len(index.search("dog", filters=Filters(language="de")).results) == 1
