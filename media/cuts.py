"""Frames -> the times at which shots begin."""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from typing import TYPE_CHECKING

from media.spec import SegmenterSpec

if TYPE_CHECKING:
    from media.pictures import Picture

_MICROSECOND = Fraction(1, 1_000_000)
# The rate plays no part where frames carry their own times; the library asks for one all the same.
_NOMINAL_RATE = Fraction(25)


class CutDetector:
    """PySceneDetect's adaptive detector, fed frame by frame with real presentation times.

    A cut is where the change between neighbours stands out from the changes around it (mean difference in hue,
    saturation and value), so that a moving camera is not taken for many shots.
    """

    def __init__(self, spec: SegmenterSpec) -> None:
        from scenedetect.common import FrameTimecode, Timecode

        from media.adaptive import LeanAdaptiveDetector

        self._detector = LeanAdaptiveDetector(
            adaptive_threshold=spec.adaptive_threshold,
            min_scene_len=spec.min_scene_len_s,
            window_width=spec.window_width,
            min_content_val=spec.min_content_val,
        )
        self._timecode = Timecode
        self._frame_timecode = FrameTimecode
        self._recent_us: deque[int] = deque(maxlen=spec.window_width)

    def feed(self, picture: Picture, start_us: int) -> list[int]:
        """Look at the next frame. Gives the cuts found, in microseconds; they lie some frames back."""
        self._recent_us.append(start_us)
        now = self._frame_timecode(self._timecode(start_us, _MICROSECOND), _NOMINAL_RATE)
        return [cut.pts for cut in self._detector.process_frame(now, picture)]

    @property
    def settled_us(self) -> int:
        """No later cut can lie before this time."""
        return self._recent_us[0] if self._recent_us else 0
