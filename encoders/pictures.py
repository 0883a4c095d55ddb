"""Keyframes as a network takes them, and the way back from pictures to segments."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from encoders.errors import EncodeFailed
from encoders.protocols import Keyframes, Vectors

if TYPE_CHECKING:
    from PIL.Image import Image


@contextmanager
def opened(picture: bytes, place: int) -> Iterator[Image]:
    """A picture, to be decoded within the block; `place` is its number in the call.

    Raises:
        EncodeFailed: It is not a picture, or a broken one.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(picture)) as image:
            yield image
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise EncodeFailed(
            f"this is not a picture that can be read ({type(error).__name__}).",
            where=f"keyframe {place} of the call, {len(picture)} bytes",
            remedy="Extract the keyframe again.",
        ) from error


def flatten(keyframes: Keyframes) -> tuple[list[bytes], list[int]]:
    """All keyframes in one list, and the number that each segment has.

    Raises:
        EncodeFailed: A segment has none.
    """
    counts = [len(pictures) for pictures in keyframes]
    if 0 in counts:
        raise EncodeFailed("a segment without a keyframe cannot be seen.", where=f"segment {counts.index(0)}")
    return [picture for pictures in keyframes for picture in pictures], counts


def mean_by_segment(rows: Vectors, counts: Iterable[int]) -> Vectors:
    """The mean over each segment's rows: float32 `(sum(counts), d)` to `(len(counts), d)`."""
    counted = np.fromiter(counts, dtype=np.intp)
    if not len(counted):
        return np.empty((0, rows.shape[1]), dtype=np.float32)
    starts = np.concatenate(([0], np.cumsum(counted)[:-1]))
    return np.asarray(np.add.reduceat(rows, starts, axis=0) / counted[:, None], dtype=np.float32)


def attend_by_segment(rows: Vectors, scores: Vectors, counts: Iterable[int]) -> Vectors:
    """The mean over each segment's rows, weighed by the softmax of their scores within the segment.

    Args:
        rows: float32 `(sum(counts), d)`.
        scores: float32 `(sum(counts),)`.
        counts: Of rows by segment, each at least 1.

    Returns:
        float32 `(len(counts), d)`.
    """
    counted = np.fromiter(counts, dtype=np.intp)
    if not len(counted):
        return np.empty((0, rows.shape[1]), dtype=np.float32)
    starts = np.concatenate(([0], np.cumsum(counted)[:-1]))
    weights = np.exp(scores - np.repeat(np.maximum.reduceat(scores, starts), counted))
    weights /= np.repeat(np.add.reduceat(weights, starts), counted)
    return np.asarray(np.add.reduceat(rows * weights[:, None], starts, axis=0), dtype=np.float32)


def unit(vectors: Vectors) -> Vectors:
    """Each row at length 1, float32 `(n, d)`."""
    scaled: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return scaled
