"""Cuts and a duration -> the segments of a video. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from media.spec import SegmenterSpec


def partition(cuts_ms: Iterable[int], duration_ms: int, spec: SegmenterSpec) -> tuple[tuple[int, int], ...]:
    """Segments `[start_ms, end_ms)` that cover `[0, duration_ms)` exactly: no gap, no overlap, none empty.

    Args:
        cuts_ms: Where shots begin, in any order. Cuts outside `(0, duration_ms)` are ignored.
        duration_ms: End of what is presented, positive.
        spec: `max_segment_s` bounds a segment's length.

    Raises:
        ValueError: `duration_ms` is not positive.
    """
    if duration_ms <= 0:
        raise ValueError(f"a video lasts longer than {duration_ms} ms")
    inner = sorted({cut for cut in cuts_ms if 0 < cut < duration_ms})
    bounds = [0, *inner, duration_ms]
    segments: list[tuple[int, int]] = []
    for start_ms, end_ms in pairwise(bounds):
        full = tuple(full_slices(start_ms, end_ms, spec))
        segments += full
        segments += last_slices(full[-1][1] if full else start_ms, end_ms, spec)
    return tuple(segments)


def full_slices(start_ms: int, reached_ms: int, spec: SegmenterSpec) -> Iterator[tuple[int, int]]:
    """The slices of a shot that are certain while it still runs and is known to reach `reached_ms`.

    A slice is certain once two of them fit: then the rest can still be halved into parts that are not short.
    So a shot of any length is sliced with a bounded look-ahead, and an hour of one camera needs no more memory
    than a minute.
    """
    longest_ms = _longest_ms(spec)
    while reached_ms - start_ms > 2 * longest_ms:
        yield start_ms, start_ms + longest_ms
        start_ms += longest_ms


def last_slices(start_ms: int, end_ms: int, spec: SegmenterSpec) -> tuple[tuple[int, int], ...]:
    """What is left of a shot when its end is known: whole, or in two equal halves."""
    if end_ms - start_ms <= _longest_ms(spec):
        return ((start_ms, end_ms),)
    middle_ms = (start_ms + end_ms) // 2
    return (start_ms, middle_ms), (middle_ms, end_ms)


def _longest_ms(spec: SegmenterSpec) -> int:
    return round(spec.max_segment_s * 1000)
