"""Where to cut a long sound track, so that any length is read in bounded memory and no word is cut in two."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from encoders.protocols import SAMPLE_RATE_HZ, Samples

_HOP = SAMPLE_RATE_HZ // 50
_QUIET_HOPS = 15


def sound_blocks(samples: Samples, *, block_s: float, search_s: float) -> Iterator[tuple[int, int]]:
    """`[start, stop)` of consecutive blocks that cover the samples, each at most `block_s` long.

    A block ends in the middle of the quietest 300 ms among its last `search_s` seconds.
    """
    longest, searched = round(block_s * SAMPLE_RATE_HZ), round(search_s * SAMPLE_RATE_HZ)
    start, total = 0, len(samples)
    while total - start > longest:
        stop = start + longest
        cut = stop - searched + _quietest(samples[stop - searched : stop])
        yield start, cut
        start = cut
    if start < total:
        yield start, total


def _quietest(samples: Samples) -> int:
    """The middle of the quietest 300 ms, as an offset in samples; the last one where several are equal."""
    hops = len(samples) // _HOP
    energy = np.square(samples[: hops * _HOP].astype(np.float64)).reshape(hops, _HOP).sum(axis=1)
    windows = np.convolve(energy, np.ones(_QUIET_HOPS), mode="valid")
    last_minimum = len(windows) - 1 - int(np.argmin(windows[::-1]))
    return (last_minimum + _QUIET_HOPS // 2) * _HOP + _HOP // 2
