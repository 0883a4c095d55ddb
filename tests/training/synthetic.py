"""A world in which pictures and sentences are two views of the same hidden thing: what can be learnt is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.pairs import SOURCES, TrainingSet, split_by_group


def synthetic(
    n: int = 300,
    f: int = 32,
    d: int = 16,
    *,
    seed: int = 0,
    sentences_each: int = 2,
    pictures_each: int = 1,
    groups: Sequence[str] | None = None,
) -> TrainingSet:
    """A training set whose features are a hidden map of what the sentences say; the tower's own vectors are poor.

    Args:
        n: Items.
        f: Values of a feature.
        d: Dimensions of the space.
        seed: Of the world.
        sentences_each: Sentences of an item.
        pictures_each: Pictures of an item.
        groups: Of the items; each its own if None.
    """
    random = np.random.default_rng(seed)
    hidden = _unit(random.normal(size=(n, d)))
    of_pictures = np.repeat(hidden, pictures_each, axis=0)
    features = of_pictures @ random.normal(size=(d, f)) + 0.2 * random.normal(size=(n * pictures_each, f))
    vectors = _unit(of_pictures + 0.5 * random.normal(size=of_pictures.shape))
    item_of = np.repeat(np.arange(n), sentences_each)
    sentences = _unit(hidden[item_of] + 0.1 * random.normal(size=(len(item_of), d)))
    names = tuple(groups) if groups is not None else tuple(f"item-{number}" for number in range(n))
    return TrainingSet(
        tower="conse",
        tower_version="conse-synthetic",
        features=features.astype(np.float32),
        vectors=vectors.astype(np.float32),
        counts=np.full(n, pictures_each, dtype=np.int64),
        sentences=sentences.astype(np.float32),
        item_of=item_of.astype(np.int64),
        source=np.full(len(item_of), SOURCES.index("csv"), dtype=np.int8),
        split=split_by_group(names),
        texts=tuple(_words(row, number) for number, row in enumerate(sentences)),
        groups=names,
        names=names,
        labels=tuple(f"more{row.argmax()}" for row in hidden),
    )


def _words(vector: np.ndarray, number: int) -> str:
    strongest = np.argsort(-np.abs(vector))[:3]
    said = " ".join(f"{'more' if vector[place] > 0 else 'less'}{place}" for place in strongest)
    return f"a picture of {said} number {number}"


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
