"""What transcribers share: sound as floats, and whole words, in order, at their times in the track."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoders.errors import EncodeFailed
from encoders.protocols import SAMPLE_RATE_HZ, Samples, Word


@dataclass(frozen=True, slots=True)
class Piece:
    """What an engine gives for a word, as it stands in the text: a space before it begins a word. Times in seconds."""

    text: str
    start_s: float
    end_s: float
    probability: float


def as_floats(samples: Samples) -> NDArray[np.float32]:
    """Int16 to float32 in [-1, 1)."""
    return samples.astype(np.float32) / np.float32(32768)


def check_samples(samples: Samples) -> None:
    """Raise unless it is sound as a transcriber takes it.

    Raises:
        EncodeFailed: Not one-dimensional int16.
    """
    if samples.dtype != np.int16 or samples.ndim != 1:
        raise EncodeFailed(
            f"sound must be one-dimensional int16, mono at 16 kHz, not {samples.dtype} of shape {samples.shape}.",
            where="samples",
            remedy="Convert it first.",
        )


def whole_words(pieces: Iterable[Piece], *, spaced: bool = True) -> list[Word]:
    """The words of a passage, times in ms from the start of the sound.

    Args:
        pieces: What the engine gave, in order.
        spaced: The language puts spaces between words: a piece without one belongs to the word before it.
    """
    words: list[Word] = []
    for piece in pieces:
        text = piece.text.strip()
        if not text:
            continue
        start_ms, end_ms, probability = round(piece.start_s * 1000), round(piece.end_s * 1000), piece.probability
        if words and spaced and not piece.text.startswith(" "):
            before = words.pop()
            start_ms, text = before.start_ms, before.text + text
            probability = min(before.probability, probability)
        words.append(Word(start_ms, end_ms, text, probability))
    return words


def placed(words: Iterable[Word], *, offset: int, samples: int, earliest_ms: int) -> Iterator[Word]:
    """Words of a block at their times in the whole track, none before the one ahead of it, none beyond the block.

    Args:
        words: With times from the start of the block.
        offset: Where the block starts in the track, in samples.
        samples: The length of the block.
        earliest_ms: The start of the last word before the block.
    """
    offset_ms = round(offset * 1000 / SAMPLE_RATE_HZ)
    last_ms = offset_ms + round(samples * 1000 / SAMPLE_RATE_HZ)
    for word in words:
        # The alignment of one passage may reach a little back into the one before.
        earliest_ms = max(earliest_ms, min(offset_ms + word.start_ms, last_ms))
        end_ms = max(earliest_ms, min(offset_ms + word.end_ms, last_ms))
        yield Word(earliest_ms, end_ms, word.text, word.probability)
