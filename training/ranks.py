"""At which place the wanted item stands among many, for many sentences at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from encoders.protocols import Vectors

_CHUNK = 1024


def ranks_of(sentences: Vectors, items: Vectors, wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rank, from 1, of each sentence's own item by cosine: int64 `(s,)`.

    An item that ties with the wanted one stands before it: a space in which all is alike finds nothing.

    Args:
        sentences: Unit vectors, float32 `(s, d)`.
        items: Unit vectors, float32 `(n, d)`.
        wanted: The row of `items` that each sentence is about, int64 `(s,)`.
    """
    ranks = np.empty(len(sentences), dtype=np.int64)
    for start in range(0, len(sentences), _CHUNK):
        chosen = slice(start, start + _CHUNK)
        scores = sentences[chosen] @ items.T
        own = scores[np.arange(len(scores)), wanted[chosen]]
        ranks[chosen] = (scores >= own[:, None]).sum(axis=1)
    return ranks
