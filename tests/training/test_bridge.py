"""Bridges between spaces: exact where one is the other turned, and honest where there is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.schema import vectors_table
from lake.store import Lake
from training.bridge import bridge_from_lake, fit_bridge
from training.errors import BadPairs


def _unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def _groups(n: int) -> list[str]:
    return [f"video-{number // 3}" for number in range(n)]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000), st.integers(3, 24))
def test_a_space_that_was_turned_is_turned_back(seed: int, dim: int) -> None:
    random = np.random.default_rng(seed)
    old = _unit(random.normal(size=(300, dim)))
    rotation = np.linalg.qr(random.normal(size=(dim, dim)))[0]
    bridge = fit_bridge(old, (old @ rotation).astype(np.float32), _groups(300))
    assert bridge.kind == "rotation"
    assert bridge.crossing.cosine == pytest.approx(1, abs=1e-4)
    assert bridge.crossing.overlap > 0.99
    assert np.allclose(bridge.apply(old), old @ rotation, atol=1e-3)


def test_a_space_of_another_dimension_is_mapped_by_regression() -> None:
    random = np.random.default_rng(0)
    old = _unit(random.normal(size=(600, 12)))
    new = _unit(old @ random.normal(size=(12, 30)) + 0.05 * random.normal(size=(600, 30)))
    bridge = fit_bridge(old, new, _groups(600))
    assert bridge.kind == "regression"
    assert bridge.matrix.shape == (12, 30)
    assert bridge.crossing.cosine > 0.9
    assert bridge.crossing.overlap > 0.6
    assert bridge.crossing.fitted + bridge.crossing.held_out < 600


def test_unrelated_spaces_have_no_bridge_and_the_number_says_so() -> None:
    random = np.random.default_rng(0)
    old, new = (_unit(random.normal(size=(600, 16))) for _ in range(2))
    crossing = fit_bridge(old, new, _groups(600)).crossing
    assert crossing.overlap == pytest.approx(crossing.by_chance, abs=0.06)
    assert abs(crossing.cosine) < 0.2


def test_too_few_segments_are_refused() -> None:
    rows = _unit(np.random.default_rng(0).normal(size=(150, 4)))
    with pytest.raises(BadPairs, match="150 segments have vectors of both versions"):
        fit_bridge(rows, rows, _groups(150))
    rows = _unit(np.random.default_rng(0).normal(size=(400, 4)))
    with pytest.raises(BadPairs, match="too few to fit"):
        fit_bridge(rows, rows, ["one video"] * 400)


def test_a_bridge_is_fitted_on_what_both_versions_have(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    lake = Lake(tmp_path / "lake")
    old = _unit(random.normal(size=(500, 8)))
    rotation = np.linalg.qr(random.normal(size=(8, 8)))[0]
    for version, vectors, kept in (("old-1", old, range(500)), ("new-1", _unit(old @ rotation), range(100, 450))):
        spec = vectors_table("visual", version, 8)
        lake.create(spec)
        order = random.permutation(list(kept))
        lake.upsert(spec, [_row(int(number), vectors[number]) for number in order])
    bridge = bridge_from_lake(lake, "visual", "old-1", "new-1")
    assert bridge.crossing.overlap > 0.99
    assert bridge.crossing.fitted < 350
    with pytest.raises(BadPairs, match="new-2: the version has no vectors"):
        bridge_from_lake(lake, "visual", "old-1", "new-2")


def _row(number: int, vector: np.ndarray) -> dict[str, object]:
    video = f"{number // 4:032x}"
    return {
        "segment_id": f"{video}-{number}",
        "video_id": video,
        "bucket": video[:2],
        "start_ms": 0,
        "end_ms": 1,
        "input_fp": "x",
        "vector": vector.tolist(),
    }
