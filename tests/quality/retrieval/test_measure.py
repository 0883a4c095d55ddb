"""A release is asked what is known, once for the same state of things."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kernel.progress import Silent
from lake.retrieval_quality import RetrievalMeasured
from lake.store import Lake
from quality.retrieval.known_items import known_items
from quality.retrieval.measure import FUSED, NothingToAsk, live_quality
from quality.retrieval.questions import DRAWN, Questions, questions_of
from tests.retrieval.small_corpus import Scene, SmallCorpus, WordVectors, video
from tests.stages.small_lake import ingested

SCORES = {"caption": 0.2, "context": 0.3, "transcript": 1.0, "visual": 1.0, "text": 0.7}


class _Unasked(WordVectors):
    def embed(self, version: str, query: str) -> np.ndarray:
        raise AssertionError("a model was asked")


def _corpus(folder: Path) -> Lake:
    small = SmallCorpus(folder)
    small.write(
        [
            Scene(number, caption=f"word{number} thing", transcript=f"spoken{number} " * 9, shows=f"word{number} view")
            for number in range(1, 13)
        ]
    )
    small.release(fusion=SCORES)
    return small.lake


def test_what_is_drawn_is_found_again_and_measured_once(tmp_path: Path) -> None:
    lake = _corpus(tmp_path)
    questions = questions_of(lake, None)
    assert (questions.source, len(questions.asked)) == (DRAWN, 24)
    assert {one.kind for one in questions.asked} == {"seen", "said"}
    assert all(len(one.wanted) == 1 for one in questions.asked)
    found = live_quality(lake, questions, WordVectors(), Silent())
    assert set(found.legs) == {FUSED, "caption", "transcript", "visual", "text"}
    assert found.legs[FUSED].metrics["recall@1"].mean == 1
    assert found.legs["transcript"].metrics["recall@1"].mean == pytest.approx(0.5), "captions are not said"
    assert found.parts["said"].questions == found.parts["seen"].questions == 12
    assert RetrievalMeasured(lake).all() == [found]
    assert live_quality(lake, questions, _Unasked(), Silent()) == found
    small = SmallCorpus(tmp_path)
    small.write([Scene(99, caption="a new one")])
    again = live_quality(lake, questions, WordVectors(), Silent())
    assert again.state_fp != found.state_fp
    assert len(RetrievalMeasured(lake).all()) == 2


def test_a_caption_of_many_videos_is_no_question(tmp_path: Path) -> None:
    small = SmallCorpus(tmp_path)
    small.write([Scene(number, caption="a dog") for number in range(1, 6)])
    small.write([Scene(number, caption="two cats") for number in (7, 8)])
    assert known_items(small.lake) == [("two cats", (video(7), video(8)), "seen")]


def test_without_a_question_it_says_so(tmp_path: Path) -> None:
    lake = _corpus(tmp_path)
    with pytest.raises(NothingToAsk, match=r"promotion\.evaluation"):
        live_quality(lake, Questions((), DRAWN), WordVectors(), Silent())


def test_a_file_tells_its_own_kinds(tmp_path: Path) -> None:
    films = ingested().films
    path = tmp_path / "queries.csv"
    path.write_text(
        f"query,video_path,kind\nrings,{films}/a.mp4,shapes\nrings,{films}/b.mp4,shapes\nred,{films}/c.mp4,\n"
    )
    questions = questions_of(ingested().lake, path)
    assert [(one.text, len(one.wanted), one.kind) for one in questions.asked] == [
        ("rings", 2, "shapes"),
        ("red", 1, ""),
    ]
