"""Words to segments by their times."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any


def words_by_segment(segments: Sequence[tuple[int, int]], words: Sequence[Mapping[str, Any]]) -> list[str]:
    """The words of each segment, joined by spaces; every word is in exactly one of them.

    A word belongs where its middle lies: one spoken across a cut is not torn. A word before the first segment or after
    the last (a recogniser's times may overshoot) goes to the nearest.

    Args:
        segments: `(start_ms, end_ms)`, in order, without gaps.
        words: With `start_ms`, `end_ms` and `text`, in any order.
    """
    starts = [start for start, _ in segments]
    said: list[list[str]] = [[] for _ in segments]
    if not segments:
        return []
    for word in sorted(words, key=lambda word: (word["start_ms"], word["end_ms"])):
        middle = (word["start_ms"] + word["end_ms"]) // 2
        said[max(0, bisect_right(starts, middle) - 1)].append(word["text"].strip())
    return [" ".join(text for text in texts if text) for texts in said]
