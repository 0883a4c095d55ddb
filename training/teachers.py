"""What a head can learn from besides its pairs: a stronger encoder's vectors of the same pictures and sentences.

Source: Hinton, Vinyals & Dean 2015, "Distilling the Knowledge in a Neural Network".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import normalize

from encoders.protocols import Vectors
from kernel.identity import fingerprint


@dataclass(frozen=True, eq=False)
class Seen:
    """What a step is given: b items and a sentence of each.

    Attributes:
        items: Their numbers in the training set, int64 `(b,)`.
        sentences: Those of the sentences, int64 `(b,)`.
        partners: What each sentence is mixed with, itself where nothing is mixed, int64 `(b,)`.
        features: Of the items' pictures, float32 `(p, f)`.
        vectors: The tower's own vectors of the pictures, float32 `(p, d)`.
        owner: The place in the batch of each picture's item, int64 `(p,)`.
        words: The tower's vectors of the sentences, mixed, float32 `(b, d)`.
        texts: The sentences' words, mixed, b of them.
    """

    items: NDArray[np.int64]
    sentences: NDArray[np.int64]
    partners: NDArray[np.int64]
    features: torch.Tensor
    vectors: torch.Tensor
    owner: torch.Tensor
    words: torch.Tensor
    texts: Sequence[str]


@dataclass(frozen=True, eq=False)
class Teacher:
    """A stronger encoder's vectors of the same items and sentences. Of any dimension.

    Attributes:
        items: Unit vectors of all items of the training set, float32 `(n, d)`.
        sentences: Unit vectors of all its sentences, float32 `(s, d)`.
        scale: The inverse temperature that its similarities are read with.
    """

    items: Vectors
    sentences: Vectors
    scale: float = 20.0

    @property
    def fingerprint(self) -> str:
        """Of its vectors."""
        return fingerprint([self.items.tobytes(), self.sentences.tobytes(), str(self.scale)])

    def similarities(self, seen: Seen) -> torch.Tensor:
        """Scaled similarities of all items (rows) with all sentences, float32 `(b, b)`."""
        words = torch.from_numpy(self.sentences[seen.sentences] + self.sentences[seen.partners])
        return self.scale * torch.from_numpy(self.items[seen.items]) @ normalize(words, dim=1).T
