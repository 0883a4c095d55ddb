"""Test pictures that were all but seen in training: what makes an evaluation flatter the head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from training.pairs import SPLITS, TrainingSet

ALIKE = 0.97
"""Cosine of centred features from which two pictures count as the same scene: frames of one take are above it."""
EXAMPLES = 10
_CHUNK = 1024


@dataclass(frozen=True, slots=True)
class Leakage:
    """What of the test split is nearly in the training split.

    Attributes:
        items: Of the test split.
        near: How many of them have a picture at least `ALIKE` to one of the training split.
        sentences: Of the test split.
        same_sentences: How many of them are word for word a training sentence.
        examples: The nearest: test item, training item, cosine.
        near_items: Numbers of the items that are near, ascending.
    """

    items: int
    near: int
    sentences: int
    same_sentences: int
    examples: tuple[tuple[str, str, float], ...]
    near_items: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain values, without the items' numbers."""
        return {
            "items": self.items,
            "near": self.near,
            "sentences": self.sentences,
            "same_sentences": self.same_sentences,
            "examples": [list(one) for one in self.examples],
        }


def near_duplicates(pairs: TrainingSet) -> Leakage:
    """Compare the test split with the training split: pictures by their centred features, sentences by their words."""
    train, test = pairs.items("train"), pairs.items("test")
    train_rows, train_owner = _rows(pairs, train)
    test_rows, test_owner = _rows(pairs, test)
    mean = train_rows.mean(0)
    train_unit, test_unit = _unit(train_rows - mean), _unit(test_rows - mean)
    best = np.full(len(pairs), -1.0, dtype=np.float32)
    nearest = np.zeros(len(pairs), dtype=np.int64)
    for start in range(0, len(test_unit), _CHUNK):
        alike = test_unit[start : start + _CHUNK] @ train_unit.T
        for row, (at, score) in enumerate(zip(alike.argmax(1), alike.max(1), strict=True), start=start):
            item = test_owner[row]
            if score > best[item]:
                best[item], nearest[item] = score, train_owner[at]
    near = [int(item) for item in test if best[item] >= ALIKE]
    closest = sorted(near, key=lambda item: -best[item])[:EXAMPLES]
    known = {_plain(pairs.texts[sentence]) for sentence in pairs.sentences_of(train)}
    asked = pairs.sentences_of(test)
    return Leakage(
        items=len(test),
        near=len(near),
        sentences=len(asked),
        same_sentences=sum(_plain(pairs.texts[sentence]) in known for sentence in asked),
        examples=tuple((pairs.names[item], pairs.names[nearest[item]], float(best[item])) for item in closest),
        near_items=tuple(near),
    )


def without_leaks(pairs: TrainingSet, leakage: Leakage) -> TrainingSet:
    """The same pairs, with the groups of leaking test items moved to where they were all but seen: into training."""
    leaking = {pairs.groups[item] for item in leakage.near_items}
    split = pairs.split.copy()
    split[[number for number, group in enumerate(pairs.groups) if group in leaking]] = SPLITS.index("train")
    return pairs.with_split(split)


def _rows(pairs: TrainingSet, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    counts = pairs.counts[items]
    firsts = np.repeat(pairs.starts[items], counts)
    places = firsts + np.arange(len(firsts)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.asarray(pairs.features[places], dtype=np.float32), np.repeat(items, counts)


def _unit(rows: np.ndarray) -> np.ndarray:
    scaled: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(1e-12)
    return scaled


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".!? ")
