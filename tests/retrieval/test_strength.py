"""What a finding is worth: on one scale for all legs, whatever the model's own scale is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.background import PROBES, SAMPLE, Background, Backgrounds, chance_level
from retrieval.index import Index
from retrieval.strength import vector_strength, words_strength
from tests.retrieval.small_corpus import FIRST, Scene, SmallCorpus, WordVectors, video

SCORES = {"caption": 0.2, "context": 0.3, "transcript": 1.0, "visual": 1.0, "text": 0.7}


@given(
    cosines=st.lists(st.floats(-1, 1, width=32), min_size=2, max_size=20),
    scale=st.floats(0.1, 10),
    shift=st.floats(-1, 1),
    rows=st.integers(1, 10**7),
)
def test_the_scale_of_a_model_changes_nothing(cosines: list[float], scale: float, shift: float, rows: int) -> None:
    plain = np.array(cosines)
    for space in ("visual", "text"):
        once = vector_strength(space, plain, Background(0.1, 0.1, rows))
        other = vector_strength(space, scale * plain + shift, Background(0.1 * scale + shift, 0.1 * scale, rows))
        assert other == pytest.approx(once, abs=1e-6)
        assert (once >= 0).all()
        order = np.argsort(plain)
        assert (np.diff(once[order]) >= 0).all(), "nearer is never worth less"


@pytest.mark.parametrize("rows", [10, 1000, 1_000_000])
def test_the_best_of_many_unrelated_documents_counts_nearly_nothing(rows: int) -> None:
    chance = np.random.default_rng(0).normal(0.1, 0.05, rows).max(keepdims=True)
    background = Background(0.1, 0.05, rows)
    assert vector_strength("text", chance, background)[0] < 0.75
    assert vector_strength("visual", chance, background)[0] > 1


def test_all_words_are_worth_more_than_the_best_unrelated_picture() -> None:
    strength = words_strength({"all": 1.0, "half": 0.5, "none": 0.0}, 1000)
    assert strength["all"] == chance_level(1000) + 1
    assert strength["half"] == strength["all"] / 4
    assert strength["none"] == 0


class _Fixed:
    """An encoder that has seen nothing but one direction."""

    def embed(self, version: str, query: str) -> np.ndarray:
        return np.eye(1, 32, dtype=np.float32)[0]


def test_a_background_is_measured_once_and_again_when_there_is_twice_as_much(tmp_path: Path) -> None:
    small, encoder = SmallCorpus(tmp_path), WordVectors()
    small.write([Scene(number, shows=f"thing{number}") for number in range(1, 5)])
    backgrounds = Backgrounds(small.lake, encoder)
    table = "vectors__visual__words_1"
    first = backgrounds.of(table, "words-1")
    assert (len(encoder.asked), first.rows) == (len(PROBES), 4)
    assert abs(first.mean) < 0.1
    assert first.deviation == pytest.approx(1 / np.sqrt(32), rel=0.3), "unrelated directions of 32 dimensions"
    small.write([Scene(5, shows="more")])
    assert backgrounds.of(table, "words-1").rows == 5
    assert len(encoder.asked) == len(PROBES)
    small.write([Scene(number, shows=f"thing{number}") for number in range(6, 9)])
    assert backgrounds.of(table, "words-1").rows == 8
    assert len(encoder.asked) == 2 * len(PROBES)


def test_a_space_in_which_all_is_the_same_has_a_background(tmp_path: Path) -> None:
    small = SmallCorpus(tmp_path)
    small.write([Scene(number, shows="same") for number in range(1, 4)])
    found = Backgrounds(small.lake, _Fixed()).of("vectors__visual__words_1", "words-1")
    assert found.deviation > 0
    small.write_vectors("visual", "empty-1", {})
    assert Backgrounds(small.lake, _Fixed()).of("vectors__visual__empty_1", "empty-1").rows == 1
    assert SAMPLE > 0


def test_a_leg_that_is_sure_beats_one_that_guesses(small: SmallCorpus, index: Index) -> None:
    """By ranks, a document that is nearest by chance counts as much as one that says it."""
    crowd = [Scene(number, caption=f"word{number} thing{number}", shows=f"view{number}") for number in range(10, 60)]
    shown = Scene(1, caption="a hall", shows="red balloon")
    said = Scene(2, transcript="the quarterly report is late", shows="desk")
    small.write([*crowd, shown, said])
    small.release(fusion=SCORES)
    assert index.search("red balloon").results[0].video_id == video(1)
    assert index.search("quarterly report late").results[0].video_id == video(2)


def test_what_is_near_in_time_counts(small: SmallCorpus, index: Index) -> None:
    """Two shots are as near to the query; one of them stands in a scene that is about it."""
    scene = [Scene(1, 4000 * at, shows="goal football players") for at in range(5)]
    alone = [Scene(2, 40_000 * at, shows="goal football players" if at == 2 else f"other{at}") for at in range(5)]
    small.write([*scene, *alone])
    small.release(fusion=SCORES)
    first, second = index.search("football").results
    assert (first.video_id, second.video_id) == (video(1), video(2))
    assert first.score == pytest.approx(second.score), "nothing is near within half a minute"
    small.write([Scene(2, 4000 * at + 80_000, shows=f"far{at}") for at in range(1, 4)])
    first, second = index.search("football").results
    assert first.video_id == video(1)
    assert first.score > second.score + 0.1


def test_a_segment_that_only_words_found_has_its_picture_looked_at(small: SmallCorpus, index: Index) -> None:
    crowd = [Scene(number, shows=f"cat view{number}") for number in range(10, 30)]
    small.write([*crowd, Scene(1, transcript="my cat is called tom", shows="sofa")])
    small.release(FIRST, fusion=SCORES)
    hits = {hit.segment.video_id: hit for hit in index.candidates("cat", depth=5)}
    assert set(hits[video(1)].by_leg) == {"transcript", "text"}
    assert "visual" in hits[video(1)].shares
