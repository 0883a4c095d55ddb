"""Copies are folded into the one that stands first; what only looks alike to a model, or sounds different, is not."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lake.schema import KEYFRAMES
from retrieval.copies import Copies
from retrieval.index import Index
from retrieval.indexed_language import IndexedLanguage
from retrieval.legs import Candidate
from retrieval.ranking import Hit, by_video
from retrieval.results import Copy, Result, SearchResults
from tests.retrieval.small_corpus import FIRST, Scene, SmallCorpus, video

SCORES = {"context": 0.3, "transcript": 1.0, "visual": 1.0, "text": 0.7}
RANKS = {"k": 5.0, "transcript": 1.0, "visual": 1.0, "text": 0.7}


def picture(seed: int, *, size: int = 320, quality: int = 90) -> bytes:
    """A JPEG of a few bright blocks: another seed is another picture, another size or quality the same one again."""
    blocks = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    image = Image.fromarray(blocks).resize((size, size * 3 // 4), Image.Resampling.BICUBIC)
    written = io.BytesIO()
    image.save(written, "JPEG", quality=quality)
    return written.getvalue()


def add_pictures(small: SmallCorpus, pictures: dict[Scene, bytes]) -> None:
    rows: list[dict[str, Any]] = [
        {
            "keyframe_id": f"{scene.segment_id}-00",
            "segment_id": scene.segment_id,
            "video_id": scene.video_id,
            "bucket": scene.place["bucket"],
            "pts_ms": scene.start_ms,
            "width": 320,
            "height": 240,
            "digest": "d",
            "jpeg": jpeg,
        }
        for scene, jpeg in pictures.items()
    ]
    small.lake.upsert(KEYFRAMES, rows)


def found(results: SearchResults) -> list[tuple[int, list[int]]]:
    return [
        (int(result.video_id, 16), [int(copy.video_id, 16) for copy in result.copies]) for result in results.results
    ]


@pytest.mark.parametrize("fusion", [SCORES, RANKS])
def test_what_was_encoded_anew_is_folded_into_the_first(
    small: SmallCorpus, index: Index, fusion: dict[str, float]
) -> None:
    scenes = [Scene(number, shows="dog lawn") for number in (1, 2, 3)] + [Scene(4, shows="dog lawn ball")]
    small.write(scenes)
    jpegs = [picture(0), picture(0, size=160, quality=40), picture(0, size=640), picture(1)]
    add_pictures(small, dict(zip(scenes, jpegs, strict=True)))
    small.write_video(2, uris=["/again.mp4"])
    small.release(FIRST, fusion=fusion)
    answer = index.search("dog lawn")
    assert found(answer) == [(1, [2, 3]), (4, [])]
    assert answer.results[0].copies[0] == Copy(video(2), "/again.mp4", scenes[1].segment_id, 0, 1000)
    assert answer.to_dict()["results"][0]["copies"][0]["uri"] == "/again.mp4"
    assert found(index.search("dog lawn", limit=1)) == [(1, [2])], "twice the limit is looked at"
    assert len(index.search("dog lawn", group_by_video=False).results) == 4, "whoever asks for all gets all"
    assert found(index.similar(scenes[3].segment_id)) == [(1, [2, 3])]


def test_a_model_that_cannot_tell_two_pictures_apart_folds_nothing(small: SmallCorpus, index: Index) -> None:
    scenes = [Scene(number, shows="dog") for number in (1, 2, 3)]
    small.write(scenes)
    add_pictures(small, {scenes[0]: picture(0), scenes[1]: picture(1)})
    small.release(FIRST, fusion=SCORES)
    assert found(index.search("dog")) == [(1, []), (2, []), (3, [])], "the third has no picture to compare"


def test_the_same_room_with_other_words_is_another_scene(small: SmallCorpus, index: Index) -> None:
    said = ["we talk about whales and their songs", "today it is about volcanoes", "whales and their songs", ""]
    scenes = [Scene(number, transcript=words, shows="studio") for number, words in enumerate(said, start=1)]
    small.write(scenes)
    add_pictures(small, dict.fromkeys(scenes, picture(0)))
    small.release(FIRST, fusion=SCORES)
    assert sorted(found(index.search("studio"))) == [(1, [3]), (2, []), (4, [])]


def test_copies_are_folded_whichever_leg_found_them(small: SmallCorpus, index: Index) -> None:
    scenes = [Scene(number, transcript="the whale sings", shows="sea") for number in (1, 2)]
    small.write(scenes)
    add_pictures(small, dict.fromkeys(scenes, picture(0)))
    small.release(FIRST, fusion=SCORES)
    assert found(index.search("whale", legs=["transcript"])) == [(1, [2])]


def test_copies_do_not_take_the_places_of_others(small: SmallCorpus, index: Index) -> None:
    copies = [Scene(number, shows="dog lawn") for number in range(1, 31)]
    others = [Scene(number, shows=f"dog lawn thing{number}") for number in range(31, 36)]
    small.write([*copies, *others])
    add_pictures(small, dict.fromkeys(copies, picture(0)) | {one: picture(one.video) for one in others})
    small.release(FIRST, fusion=SCORES)
    answer = index.search("dog lawn", limit=5, depth=10)
    numbers = [int(video_id, 16) for video_id in answer.video_ids()]
    assert len(numbers) == 5
    assert sum(number <= 30 for number in numbers) == 1


def test_a_wanted_copy_counts_as_found() -> None:
    plain: dict[str, Any] = {
        "uri": "",
        "start_ms": 0,
        "end_ms": 1,
        "score": 1.0,
        "legs": {},
        "caption": "",
        "transcript": "",
    }
    copies = (Copy("b", "", "b-0-1", 0, 1), Copy("c", "", "c-0-1", 0, 1))
    first = Result(video_id="a", segment_id="a-0-1", copies=copies, **plain)
    second = Result(video_id="d", segment_id="d-0-1", **plain)
    answer = SearchResults(1, "", (first, second))
    assert answer.video_ids() == ["a", "d"]
    assert answer.video_ids(["c"]) == ["c", "d"]
    assert answer.video_ids(["a", "c"]) == ["a", "d"]


def test_the_best_of_a_copy_need_not_be_the_best_of_the_original(small: SmallCorpus) -> None:
    scenes = [Scene(1, 0), Scene(1, 5000), Scene(2, 5000, 9000), Scene(3, 0)]
    add_pictures(small, dict(zip(scenes, [picture(0), picture(1), picture(1, size=160), picture(2)], strict=True)))
    hits = [Hit(1.0, {"visual": Candidate(scene.segment_id, 1, 1.0)}, {}) for scene in scenes]
    same = {scene.segment_id: np.eye(1, 8, dtype=np.float32)[0] for scene in scenes}
    shown = Copies(small.lake, IndexedLanguage(small.lake)).folded(by_video(hits), same, 3)
    assert [(one.hit, one.copies) for one in shown] == [(hits[0], (hits[2],)), (hits[3], ())]


def test_black_pictures_are_no_copies_of_each_other(small: SmallCorpus, index: Index) -> None:
    scenes = [Scene(1, shows="night"), Scene(2, shows="night")]
    small.write(scenes)
    black = io.BytesIO()
    Image.new("RGB", (64, 48)).save(black, "JPEG")
    add_pictures(small, dict.fromkeys(scenes, black.getvalue()))
    small.release(FIRST, fusion=SCORES)
    assert found(index.search("night")) == [(1, []), (2, [])]
