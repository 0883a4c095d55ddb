"""The words that a head knows by themselves, beside the sentence as a whole."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"\w+")


class Vocabulary:
    """Words and their rows; row 0 is no word.

    Args:
        words: In the order of their rows, from row 1.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)
        self._rows = {word: row for row, word in enumerate(self.words, start=1)}

    def __len__(self) -> int:
        return len(self.words)

    def rows_of(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """The rows of the known words of each text, each word once, filled up with 0: int64 `(n, most)`, most >= 1."""
        rows = [[self._rows[word] for word in dict.fromkeys(words_in(text)) if word in self._rows] for text in texts]
        filled = np.zeros((len(rows), max([1, *map(len, rows)])), dtype=np.int64)
        for row, known in zip(filled, rows, strict=True):
            row[: len(known)] = known
        return filled


def words_in(text: str) -> list[str]:
    """The words of a text as a vocabulary knows them: letters and digits, without case."""
    return _WORD.findall(text.casefold())
