"""What decides the segments and keyframes of a video, and nothing else."""

from __future__ import annotations

from functools import cached_property
from importlib import metadata
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from kernel.identity import version_of


def _detector_series() -> str:
    """`major.minor` of PySceneDetect: it has changed where cuts fall between minor releases, not within one."""
    return ".".join(metadata.version("scenedetect").split(".")[:2])


class SegmenterSpec(BaseModel):
    """How a video is cut into segments and which pictures stand for them.

    The detector is PySceneDetect's adaptive one at its best published setting. Its release series is part of the
    identity because it decides the cuts. The releases of PyAV, FFmpeg and OpenCV are not: decoders are exact by
    their standards, and a scaler's last bit is no reason to decode a whole corpus again.

    `revision` counts changes of reelindex's own code that move a boundary or change a picture.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Literal["segmenter"] = "segmenter"
    family: Literal["adaptive"] = "adaptive"
    revision: Literal[1] = 1
    scenedetect: str = Field(default_factory=_detector_series)
    adaptive_threshold: float = Field(default=3.5, gt=0)
    window_width: int = Field(default=3, ge=1)
    min_scene_len_s: float = Field(default=0.6, gt=0)
    min_content_val: float = Field(default=15.0, ge=0)
    detection_side_px: int = Field(default=160, ge=16)
    """Longer side of the picture the detector sees."""
    max_segment_s: float = Field(default=10.0, ge=1.0)
    keyframe_every_s: float = Field(default=4.0, gt=0)
    """A segment gets one keyframe per started interval of this length, at the middles of its equal parts."""
    keyframes_max: int = Field(default=3, ge=1)
    keyframe_side_px: int = Field(default=384, ge=16)
    """Largest shorter side of a keyframe; smaller videos are not enlarged."""
    jpeg_quality: int = Field(default=90, ge=1, le=100)

    @cached_property
    def version(self) -> str:
        """`adaptive-<12 hex>`."""
        return version_of(self.family, self.model_dump(mode="json"))
