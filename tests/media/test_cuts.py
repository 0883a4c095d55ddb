"""The cut detector against the library it extends."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from scenedetect.common import FrameTimecode, Timecode
from scenedetect.detectors import AdaptiveDetector

from media.cuts import CutDetector
from media.spec import SegmenterSpec
from tests.media.films import cut_film

CUTS_MS = [1000, 2520, 3200]


def test_the_lean_score_finds_the_same_cuts_with_the_same_scores_as_the_library() -> None:
    spec = SegmenterSpec()
    lean = CutDetector(spec)
    library = AdaptiveDetector(
        adaptive_threshold=spec.adaptive_threshold,
        min_scene_len=spec.min_scene_len_s,
        window_width=spec.window_width,
        min_content_val=spec.min_content_val,
    )
    noise = np.random.default_rng(7)
    found_lean: list[int] = []
    found_library: list[int] = []
    for picture, pts_ms in cut_film(CUTS_MS, 5000):
        shaken = picture + noise.integers(0, 4, picture.shape, dtype=np.uint8)
        now = FrameTimecode(Timecode(pts_ms * 1000, Fraction(1, 1_000_000)), Fraction(25))
        found_lean += lean.feed(shaken, pts_ms * 1000)
        found_library += [cut.pts for cut in library.process_frame(now, shaken)]
        assert abs(lean._detector._frame_score - library._frame_score) < 1e-9
    assert found_lean == found_library == [cut * 1000 for cut in CUTS_MS]


def test_no_cut_is_reported_before_the_settled_time() -> None:
    detector = CutDetector(SegmenterSpec())
    settled_us = 0
    for picture, pts_ms in cut_film(CUTS_MS, 5000):
        found = detector.feed(picture, pts_ms * 1000)
        assert all(cut_us >= settled_us for cut_us in found)
        settled_us = detector.settled_us
