"""Naming pictures by the nearest class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from training.errors import BadPairs
from training.zero_shot import classify

CLASSES = ("boat", "cat", "dog")
PLACES = {f"a photo of a {name}": row for name, row in zip(CLASSES, np.eye(3, dtype=np.float32), strict=True)}


def _embed(texts: Sequence[str]) -> np.ndarray:
    return np.stack([PLACES[text] for text in texts])


def test_what_is_nearest_names_it_and_mistakes_are_counted_by_class() -> None:
    labels = ["cat"] * 6 + ["dog"] * 3 + ["boat"]
    items = np.stack([PLACES[f"a photo of a {name}"] for name in ["cat"] * 4 + ["dog"] * 2 + ["dog"] * 3 + ["boat"]])
    found = classify(items, labels, _embed)
    assert found.classes == CLASSES
    assert found.accuracy == pytest.approx(0.8)
    assert found.low < 0.8 < found.high <= 1.0
    assert found.balanced == pytest.approx((4 / 6 + 1 + 1) / 3)
    assert found.among_five == 1.0
    assert found.confusion == ((1, 0, 0), (0, 4, 2), (0, 0, 3))
    assert found.most_confused == [("cat", "dog", 2)]


def test_one_class_is_refused() -> None:
    with pytest.raises(BadPairs, match="there is one class only, 'cat'"):
        classify(np.eye(3, dtype=np.float32), ["cat"] * 3, _embed)
