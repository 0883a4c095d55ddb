"""The segmenter's identity."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from media.spec import SegmenterSpec


def test_the_version_is_named_after_the_family_and_stays_the_same() -> None:
    assert re.fullmatch(r"adaptive-[0-9a-f]{12}", SegmenterSpec().version)
    assert SegmenterSpec().version == SegmenterSpec().version


@pytest.mark.parametrize(
    "change",
    [
        {"adaptive_threshold": 3.0},
        {"window_width": 2},
        {"min_scene_len_s": 0.5},
        {"min_content_val": 14.0},
        {"detection_side_px": 256},
        {"max_segment_s": 8.0},
        {"keyframe_every_s": 2.0},
        {"keyframes_max": 1},
        {"keyframe_side_px": 256},
        {"jpeg_quality": 80},
        {"scenedetect": "0.6"},
    ],
)
def test_whatever_decides_the_output_decides_the_version(change: dict[str, float]) -> None:
    assert SegmenterSpec.model_validate(change).version != SegmenterSpec().version


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(ValidationError, match="threshhold"):
        SegmenterSpec.model_validate({"threshhold": 3.0})
