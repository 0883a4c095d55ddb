"""Columns of vectors as matrices."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


def rows_of(column: pa.ChunkedArray) -> Vectors:
    """The rows of a column of vectors without nulls, float32 `(n, dim)`: not copied where they lie in one piece."""
    matrix: Vectors = column.combine_chunks().flatten().to_numpy().reshape(-1, column.type.list_size)
    return matrix


def unit(vectors: Vectors) -> Vectors:
    """Each row divided by its length; a row of zeros stays."""
    divided: Vectors = vectors / lengths(vectors)[:, None]
    return divided


def lengths(vectors: Vectors) -> Vectors:
    """The length of each row, float32 `(n,)`; of a row of zeros a little above 0, so that it can be divided by."""
    found: Vectors = np.maximum(np.sqrt(np.einsum("ij,ij->i", vectors, vectors)), np.float32(1e-12))
    return found
