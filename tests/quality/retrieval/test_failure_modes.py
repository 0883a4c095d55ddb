"""Each way to fail is seen where it was made, and not where it was not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lancedb.index import IvfPq, IvfSq

from kernel.identity import segment_id_of
from lake.retrieval_quality import Estimate, Found
from lake.store import Lake
from quality.retrieval.failure_modes import concentration, flood, hub, index_misses, long_tail
from retrieval.results import Copy, Result, SearchResults
from tests.quality.spaces import add_vectors, spec, unit_vectors

VIDEOS = [f"{number:032x}" for number in range(100)]


def _even(questions: int = 60) -> list[list[str]]:
    random = np.random.default_rng(0)
    return [[VIDEOS[place] for place in random.permutation(100)[:10]] for _ in range(questions)]


def test_no_video_is_a_hub_where_all_are_shown_alike() -> None:
    found = hub(_even(), 100, str)
    assert found.value is not None
    assert not found.exceeds


def test_a_video_that_is_near_everything_is_a_hub_and_is_named() -> None:
    rankings = [[VIDEOS[7], *ranking[1:]] for ranking in _even()]
    found = hub(rankings, 100, lambda video_id: f"film {int(video_id, 16)}")
    assert found.exceeds
    assert found.value == pytest.approx(0.9)
    assert "shows film 7 for 60 of 60 questions" in found.told


def test_few_questions_or_videos_tell_nothing() -> None:
    assert hub(_even(19), 100, str).value is None
    assert hub(_even(), 29, str).value is None
    assert concentration([], 100).value is None


def test_an_answer_that_is_always_the_same_is_concentrated() -> None:
    assert not concentration(_even(), 100).exceeds
    found = concentration([VIDEOS[:10]] * 60, 100)
    assert found.value == pytest.approx(0.9)
    assert found.exceeds
    assert "10 of 100 videos" in found.told


def _answer(*copies: int) -> SearchResults:
    """As many results as numbers, each with so many copies."""
    results = [
        Result(
            video_id=VIDEOS[place],
            uri="",
            segment_id=segment_id_of(VIDEOS[place], 0, 1000),
            start_ms=0,
            end_ms=1000,
            score=1.0,
            legs={},
            caption="",
            transcript="",
            copies=tuple(Copy(VIDEOS[50 + one], "", "", 0, 1000) for one in range(count)),
        )
        for place, count in enumerate(copies)
    ]
    return SearchResults(1, "", tuple(results))


def test_scenes_that_were_only_encoded_anew_flood_an_answer() -> None:
    assert flood([_answer(0, 0, 0)] * 30, str).value == 0
    found = flood([_answer(0, 2, 0, 1)] * 30, str)
    assert found.value == pytest.approx(3 / 7)
    assert found.exceeds
    assert "90 of 210 results repeat a scene that stands above them" in found.told
    assert f"most often {VIDEOS[1]}, {VIDEOS[3]}." in found.told
    assert flood([_answer(0, 2)] * 19, str).value is None


def test_rare_content_that_is_found_less_is_told() -> None:
    def part(recall: float) -> Found:
        return Found(20, {"recall@10": Estimate(recall, recall, recall)})

    assert long_tail({"rare content": part(0.5), "common content": part(0.9)}).exceeds
    assert not long_tail({"rare content": part(0.9), "common content": part(0.9)}).exceeds
    assert long_tail({"rare content": part(0.5)}).value is None


@pytest.mark.parametrize(
    ("index", "misses"),
    [
        (None, False),
        (IvfSq(distance_type="cosine", num_partitions=1), False),
        (IvfPq(distance_type="cosine", num_partitions=1, num_sub_vectors=1), True),
    ],
)
def test_an_index_is_held_against_the_questions_themselves(
    tmp_path: Path, index: IvfSq | IvfPq | None, misses: bool
) -> None:
    lake = Lake(tmp_path)
    ids = [segment_id_of(VIDEOS[0], 1000 * number, 1000 * number + 1000) for number in range(3000)]
    name = add_vectors(lake, "visual", spec("model-1", 32), unit_vectors(3000, 32), ids)
    if index is not None:
        lake.table(name).create_index("vector", config=index)
    found = index_misses(lake, {"visual": "model-1"}, {"visual": list(unit_vectors(20, 32, seed=3))})
    assert found.exceeds == misses, found.told
    assert ("no vector index" in found.told) == (index is None)
