"""Where a head places the items and sentences of a training set, computed over maps larger than memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from encoders.protocols import Vectors
from training.head import TrainableHead
from training.pairs import TrainingSet

_CHUNK = 4096


@dataclass(frozen=True, eq=False)
class Placed:
    """Items and all their sentences in a head's space.

    Attributes:
        item_ids: Which items, int64 `(n,)`, ascending.
        items: Their unit vectors, float32 `(n, dim)`.
        sentence_ids: Their sentences, int64 `(s,)`, ascending.
        sentences: Their unit vectors, float32 `(s, dim)`.
        wanted: The row of `items` that each sentence is about, int64 `(s,)`.
    """

    item_ids: NDArray[np.int64]
    items: Vectors
    sentence_ids: NDArray[np.int64]
    sentences: Vectors
    wanted: NDArray[np.int64]


def place(head: TrainableHead, pairs: TrainingSet, items: NDArray[np.int64]) -> Placed:
    """Where a head in evaluation mode places items, which ascend, and their sentences."""
    sentences = pairs.sentences_of(items)
    return Placed(
        item_ids=items,
        items=place_items(head, pairs, items),
        sentence_ids=sentences,
        sentences=place_sentences(head, pairs, sentences),
        wanted=np.searchsorted(items, pairs.item_of[sentences]).astype(np.int64),
    )


def place_items(head: TrainableHead, pairs: TrainingSet, items: NDArray[np.int64]) -> Vectors:
    """Unit vectors of items, float32 `(n, dim)`."""
    parts = [_items(head, pairs, items[start : start + _CHUNK]) for start in range(0, len(items), _CHUNK)]
    return np.concatenate(parts)


def place_sentences(head: TrainableHead, pairs: TrainingSet, sentences: NDArray[np.int64]) -> Vectors:
    """Unit vectors of sentences, float32 `(s, dim)`."""
    parts = []
    with torch.inference_mode():
        for start in range(0, len(sentences), _CHUNK):
            chosen = sentences[start : start + _CHUNK]
            parts.append(
                head.place_sentences(sentences_of(pairs, chosen), [pairs.texts[one] for one in chosen]).numpy()
            )
    return np.concatenate(parts)


def pictures_of(pairs: TrainingSet, items: NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The features `(p, f)` and the tower's vectors `(p, dim)` of the items' pictures, and each one's item `(p,)`."""
    counts = pairs.counts[items]
    firsts = np.repeat(pairs.starts[items], counts)
    within = np.arange(len(firsts)) - np.repeat(np.cumsum(counts) - counts, counts)
    rows = firsts + within
    owner = np.repeat(np.arange(len(items)), counts)
    return (
        torch.from_numpy(np.asarray(pairs.features[rows], dtype=np.float32)),
        torch.from_numpy(np.asarray(pairs.vectors[rows], dtype=np.float32)),
        torch.from_numpy(owner),
    )


def sentences_of(pairs: TrainingSet, sentences: NDArray[np.int64]) -> torch.Tensor:
    """The tower's vectors of sentences, float32 `(s, d)`."""
    return torch.from_numpy(np.asarray(pairs.sentences[sentences], dtype=np.float32))


def _items(head: TrainableHead, pairs: TrainingSet, items: NDArray[np.int64]) -> Vectors:
    with torch.inference_mode():
        placed: Vectors = head.place_items(*pictures_of(pairs, items)).numpy()
    return placed
