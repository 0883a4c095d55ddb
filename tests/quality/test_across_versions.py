from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kernel.identity import segment_id_of
from lake.releases import Releases
from lake.store import Lake
from quality.across_versions import compare_versions, versions_to_compare
from tests.quality.spaces import add_vectors, spec, unit_vectors

DIM, VIDEOS, EACH = 16, 20, 3
IDS = [segment_id_of(f"{video:032x}", 1000 * at, 1000 * at + 1000) for video in range(VIDEOS) for at in range(EACH)]
COUNT = len(IDS)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def _add(lake: Lake, version: str, vectors: np.ndarray, ids: list[str] = IDS) -> None:
    add_vectors(lake, "visual", spec(version, vectors.shape[1]), np.asarray(vectors, np.float32), ids)


def _compare(lake: Lake, after: np.ndarray) -> tuple[float, float]:
    _add(lake, "before-1", unit_vectors(COUNT, DIM))
    _add(lake, "after-1", after)
    found = compare_versions(lake, "visual", "before-1", "after-1")
    assert found is not None
    assert found.segments == COUNT
    return found.overlap, found.rank_correlation


def test_a_space_that_was_only_turned_has_the_same_neighbours(lake: Lake) -> None:
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(DIM, DIM)))[0]
    overlap, correlation = _compare(lake, unit_vectors(COUNT, DIM) @ turn)
    assert overlap == 1
    assert correlation == pytest.approx(1, abs=1e-4)


def test_unrelated_spaces_share_neighbours_by_chance_alone(lake: Lake) -> None:
    overlap, correlation = _compare(lake, unit_vectors(COUNT, 24, seed=9))
    assert overlap == pytest.approx(10 / (COUNT - EACH), abs=0.08)
    assert abs(correlation) < 0.1


def test_the_video_that_moved_is_named_first(lake: Lake) -> None:
    vectors = unit_vectors(COUNT, DIM)
    _add(lake, "before-1", vectors)
    moved = vectors.copy()
    moved[-EACH:] = unit_vectors(EACH, DIM, seed=5)
    _add(lake, "after-1", moved)
    found = compare_versions(lake, "visual", "before-1", "after-1")
    assert found is not None
    assert found.moved[0].video_id == IDS[-1].partition("-")[0]
    assert found.moved[0].segments == EACH
    assert found.moved[0].overlap < found.moved[1].overlap
    assert found.overlap_by_chance == pytest.approx(10 / (COUNT - EACH))


def test_segments_of_the_same_video_are_no_neighbours(lake: Lake) -> None:
    together = np.repeat(unit_vectors(VIDEOS, DIM), EACH, axis=0)
    _add(lake, "before-1", together)
    _add(lake, "after-1", np.repeat(unit_vectors(VIDEOS, DIM, seed=3), EACH, axis=0))
    found = compare_versions(lake, "visual", "before-1", "after-1")
    assert found is not None
    assert found.overlap < 0.5, "each has its own video's segments nearest in both, and they do not count"


def test_only_what_was_made_from_the_same_input_is_compared(lake: Lake) -> None:
    _add(lake, "before-1", unit_vectors(COUNT, DIM))
    _add(lake, "after-1", unit_vectors(COUNT, DIM))
    lake.table("vectors__visual__after_1").update(where=f"segment_id = '{IDS[0]}'", values={"input_fp": "other"})
    found = compare_versions(lake, "visual", "before-1", "after-1")
    assert found is not None
    assert found.segments == COUNT - 1


def test_too_few_shared_segments_say_nothing(lake: Lake) -> None:
    _add(lake, "before-1", unit_vectors(11, DIM), IDS[:11])
    _add(lake, "after-1", unit_vectors(COUNT, DIM))
    assert compare_versions(lake, "visual", "before-1", "after-1") is None


def _release(lake: Lake, version: str) -> None:
    releases = Releases(lake)
    releases.append(
        kind="promotion", spaces={"visual": version}, fusion={}, evidence={}, reason="test", after=releases.find_live()
    )


def test_the_candidate_is_compared_with_the_live_version_else_with_the_one_before(lake: Lake) -> None:
    assert versions_to_compare(lake, "visual", "one-1") is None
    for version in ("one-1", "two-1"):
        _add(lake, version, unit_vectors(COUNT, DIM))
        _release(lake, version)
    assert versions_to_compare(lake, "visual", "two-1") == ("one-1", "two-1")
    assert versions_to_compare(lake, "visual", "three-1") == ("one-1", "two-1"), "the candidate has no vector yet"
    _add(lake, "three-1", unit_vectors(COUNT, DIM))
    assert versions_to_compare(lake, "visual", "three-1") == ("two-1", "three-1")
