"""Which pictures stand for a segment."""

from __future__ import annotations

import math
from dataclasses import dataclass

from kernel.identity import fingerprint
from media.errors import MediaError
from media.pictures import Orientation, Picture
from media.spec import SegmenterSpec

CANDIDATE_STEP_US = 500_000
CANDIDATE_STEP_SHARE = 8
"""Candidates need to be no nearer to each other than an eighth of the time since the shot began."""


@dataclass(frozen=True, slots=True)
class Keyframe:
    """A picture that stands for a part of a segment.

    `pts_ms` is when its frame is first shown; it lies before the segment where a picture stands longer than a
    segment lasts. `width` and `height` are those of the JPEG, upright and with square pixels; `digest` is the
    fingerprint of its bytes.
    """

    pts_ms: int
    jpeg: bytes
    width: int
    height: int
    digest: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A picture held while its shot is not finished."""

    start_us: int
    end_us: int
    picture: Picture
    orientation: Orientation
    damaged: bool


class CandidateRule:
    """Which frames of a running shot to keep as candidates.

    Few, because scaling costs; yet every shot has one of its own. A shot lasts at least `min_scene_len`, and its
    beginning is known `window_width` frames late. If another shot begins within those frames, one of them was
    shown for at least `min_scene_len / window_width`, and such frames are always taken; else the frame at which
    the beginning becomes known is taken.
    """

    def __init__(self, spec: SegmenterSpec) -> None:
        self._long_us = round(spec.min_scene_len_s * 1e6 / spec.window_width)
        self._next_us = 0
        self._shot_us = 0

    def begin_shot(self, start_us: int) -> None:
        """A cut became known: take the next frame asked for."""
        self._shot_us = start_us
        self._next_us = 0

    def wants(self, start_us: int, end_us: int) -> bool:
        """Whether the frame shown from `start_us` to `end_us` is to be kept."""
        if start_us < self._next_us and end_us - start_us < self._long_us:
            return False
        age_us = start_us - self._shot_us
        self._next_us = start_us + max(CANDIDATE_STEP_US, age_us // CANDIDATE_STEP_SHARE)
        return True


def choose(start_us: int, end_us: int, candidates: list[Candidate], spec: SegmenterSpec) -> list[Candidate]:
    """The candidates that stand for a segment: one per part, nearest to its middle, whole frames before damaged ones.

    A segment in which no frame begins is represented by the one on the screen. `candidates` is not empty and in
    order of time.
    """
    inside = [each for each in candidates if start_us <= each.start_us < end_us]
    if not inside:
        earlier = [each for each in candidates if each.start_us < start_us]
        return [earlier[-1] if earlier else candidates[0]]
    parts = min(spec.keyframes_max, math.ceil((end_us - start_us) / (spec.keyframe_every_s * 1e6)))
    chosen: list[Candidate] = []
    for part in range(parts):
        middle_us = start_us + (end_us - start_us) * (2 * part + 1) // (2 * parts)
        best = min(inside, key=lambda each: (each.damaged, _distance_us(each, middle_us)))
        if best not in chosen:
            chosen.append(best)
    return chosen


def encode(candidate: Candidate, spec: SegmenterSpec) -> Keyframe:
    """The candidate as an upright JPEG.

    Raises:
        MediaError: The JPEG encoder refused the picture.
    """
    import cv2

    upright = candidate.orientation.apply(candidate.picture)
    done, data = cv2.imencode(".jpg", upright, [cv2.IMWRITE_JPEG_QUALITY, spec.jpeg_quality])
    if not done:
        raise MediaError(f"a keyframe of {upright.shape[1]}x{upright.shape[0]} could not be written as JPEG.")
    jpeg = data.tobytes()
    height, width = upright.shape[:2]
    return Keyframe(candidate.start_us // 1000, jpeg, width, height, fingerprint([jpeg]))


def _distance_us(candidate: Candidate, moment_us: int) -> int:
    if candidate.start_us <= moment_us < candidate.end_us:
        return 0
    return min(abs(candidate.start_us - moment_us), abs(candidate.end_us - moment_us))
