"""PySceneDetect's adaptive detector with a cheaper score of the same value.

Import only where pictures are decoded: this loads OpenCV.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
from scenedetect.common import FrameTimecode
from scenedetect.detectors import AdaptiveDetector

if TYPE_CHECKING:
    from cv2.typing import MatLike


class LeanAdaptiveDetector(AdaptiveDetector):  # type: ignore[misc, unused-ignore]
    """Scores with one call into OpenCV.

    The library splits the channels, widens them and averages three differences, which costs as much as decoding a
    small video. With its equal default weights the score is the L1 distance of the two HSV pictures over their size.
    """

    def __init__(
        self, *, adaptive_threshold: float, min_scene_len: float, window_width: int, min_content_val: float
    ) -> None:
        super().__init__(
            adaptive_threshold=adaptive_threshold,
            min_scene_len=min_scene_len,
            window_width=window_width,
            min_content_val=min_content_val,
        )
        self._last_hsv: MatLike | None = None

    def _calculate_frame_score(self, timecode: FrameTimecode, frame_img: MatLike) -> float:
        hsv = cv2.cvtColor(frame_img, cv2.COLOR_BGR2HSV)
        last, self._last_hsv = self._last_hsv, hsv
        return 0.0 if last is None else cv2.norm(hsv, last, cv2.NORM_L1) / hsv.size
