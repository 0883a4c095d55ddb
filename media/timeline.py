"""Timestamps of a stream -> the presentation timeline. Pure.

The timeline counts microseconds from the container's start, so that pictures and sound of one file share a zero.
"""

from __future__ import annotations

BACKWARD_JUMP_US = 1_000_000
FORWARD_JUMP_US = 10_000_000


class Timeline:
    """Places one stream's frames, in the order of decoding.

    Frames without a timestamp follow the one before. A stream whose clock starts again (joined recordings, a
    wrapped counter) or leaps beyond all that the container promises goes on where it was.

    Args:
        origin_us: The container's start on the stream's own clock.
        promised_us: Duration that the container gives, or None.
    """

    def __init__(self, origin_us: int, promised_us: int | None) -> None:
        self._offset_us = -origin_us
        self._promised_us = promised_us
        self.end_us = 0
        """Where the last placed frame ends."""

    def place(self, pts_us: int | None, duration_us: int) -> int:
        """The frame's start. May lie a little before the end of the last one: overlaps are the caller's to judge."""
        start_us = self.end_us if pts_us is None else pts_us + self._offset_us
        if pts_us is not None and self._leaps(start_us):
            self._offset_us += self.end_us - start_us
            start_us = self.end_us
        self.end_us = start_us + max(0, duration_us)
        return start_us

    def _leaps(self, start_us: int) -> bool:
        if start_us < self.end_us - BACKWARD_JUMP_US:
            # Pre-roll before the container's start is not a clock that starts again.
            return self.end_us > 0
        if self._promised_us is None or start_us <= self._promised_us + FORWARD_JUMP_US:
            return False
        return start_us - self.end_us > FORWARD_JUMP_US
