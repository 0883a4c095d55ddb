"""Was the file read to its end, and was enough of it whole? Pure judgement over numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from media.errors import truncated, unreadable

LOST_SHARE_MAX = 0.25
"""Beyond this share of lost frames, cuts and words are no longer where the numbers say."""


@dataclass(slots=True)
class DecodeTally:
    """Counts of one pass over one stream."""

    frames: int = 0
    errors: int = 0
    """Packets that gave an error instead of a frame."""
    damaged: int = 0
    """Frames that the decoder repaired by guessing."""


def tolerance_us(promised_us: int) -> int:
    """How much may be missing before a file counts as truncated.

    Honest containers are off by a frame, an audio frame, or a rounded edit list: at most 0.1 s over a corpus of 90
    real files. A quarter of a second and two percent leave room for slow frame rates; five seconds is the most,
    so that a long film cannot lose a scene unnoticed.
    """
    return min(250_000 + promised_us // 50, 5_000_000)


def demand_whole(path: Path, *, promised_us: int | None, read_us: int, what: str = "the container") -> None:
    """Compare what was promised with what was read.

    Raises:
        TruncatedVideo: Clearly less was read. Both numbers are in the message.
    """
    if promised_us is not None and read_us < promised_us - tolerance_us(promised_us):
        raise truncated(path, promised_us=promised_us, read_us=read_us, what=what)


def demand_decodable(path: Path, tally: DecodeTally, unit: str) -> None:
    """A few lost frames are counted and borne; many are not.

    Raises:
        UnreadableVideo: Nothing, or too little, was decoded.
    """
    if tally.frames == 0:
        raise unreadable(path, f"corrupt: no {unit} can be decoded ({tally.errors} failed).")
    lost = tally.errors / (tally.frames + tally.errors)
    if lost > LOST_SHARE_MAX:
        raise unreadable(
            path,
            f"corrupt: {tally.errors} of {tally.frames + tally.errors} {unit}s cannot be decoded.",
            "Copy the file again from its source.",
        )
