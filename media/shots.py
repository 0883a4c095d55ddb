"""A video file -> its segments with their keyframes, in one decode."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from media.completeness import demand_decodable, demand_whole
from media.container import open_media, stream_promise_us, video_stream
from media.cuts import CutDetector
from media.decoding import Pass, Progress, TimedFrame
from media.keyframes import Candidate, CandidateRule, Keyframe, choose, encode
from media.partition import full_slices, last_slices
from media.pictures import Shrinker, displayed_size, fit_longer, fit_shorter, orientation_of, pixel_aspect
from media.spec import SegmenterSpec


@dataclass(frozen=True, slots=True)
class Shot:
    """A segment `[start_ms, end_ms)` with the pictures that stand for it, at least one."""

    start_ms: int
    end_ms: int
    keyframes: tuple[Keyframe, ...]


@dataclass(frozen=True, slots=True)
class DecodedVideo:
    """What one decode of a video gave. The segments partition `[0, duration_ms)`.

    `decode_errors` counts packets that gave no frame, `frames_damaged` frames that the decoder repaired by guessing.
    """

    duration_ms: int
    segments: tuple[Shot, ...]
    frames_decoded: int
    decode_errors: int
    frames_damaged: int


def decode_video(path: Path, spec: SegmenterSpec, progress: Progress) -> DecodedVideo:
    """Decode every frame once; find the cuts and keep the keyframes on the way.

    Memory does not grow with the duration, apart from the JPEGs of the result: only small pictures of at most
    two segments are held.

    Raises:
        FileUnavailable: The file cannot be opened.
        UnreadableVideo: It is no video, has no moving picture, or too much of it does not decode.
        TruncatedVideo: Clearly less was read than the container promises.
    """
    with open_media(path) as media:
        stream = video_stream(media)
        reading = Pass(media, progress)
        aspect = stream.sample_aspect_ratio
        collector = _Collector(spec, pixel_aspect(float(aspect) if aspect else None))
        for timed in reading.pictures(stream):
            collector.add(timed)
        # A container that does not say how long a picture is shown leaves the last one's end open.
        open_end_us = 0 if reading.last_duration_known else reading.longest_us
        end_us = max(reading.end_us, reading.read_us)
        demand_whole(path, promised_us=media.promised_us, read_us=end_us + open_end_us)
        demand_decodable(path, reading.tally, "frame")
        promised_us = stream_promise_us(media, stream)
        demand_whole(path, promised_us=promised_us, read_us=reading.end_us + open_end_us, what="the video stream")
        duration_ms = max(1, -(-end_us // 1000))
        return DecodedVideo(
            duration_ms=duration_ms,
            segments=collector.finish(duration_ms),
            frames_decoded=reading.tally.frames,
            decode_errors=reading.tally.errors,
            frames_damaged=reading.tally.damaged,
        )


class _Collector:
    """Frames in, finished shots out; holds the pictures of the running shot alone."""

    def __init__(self, spec: SegmenterSpec, aspect: float) -> None:
        self._spec = spec
        self._aspect = aspect
        self._detector = CutDetector(spec)
        self._rule = CandidateRule(spec)
        self._to_detect = Shrinker(smooth=False)
        self._to_keep = Shrinker(smooth=True)
        self._detect_size: tuple[int, int] | None = None
        self._candidates: list[Candidate] = []
        self._shots: list[Shot] = []
        self._start_ms = 0

    def add(self, timed: TimedFrame) -> None:
        frame = timed.frame
        if self._detect_size is None:
            # Fixed by the first frame: the detector compares pictures of one size, whatever the stream does.
            self._detect_size = fit_longer(frame.width, frame.height, self._spec.detection_side_px)
        small = self._to_detect.shrink(frame, self._detect_size)
        for cut_us in self._detector.feed(small, timed.start_us):
            self._close_shot(cut_us // 1000)
            self._rule.begin_shot(cut_us)
        if self._rule.wants(timed.start_us, timed.end_us):
            self._candidates.append(self._candidate(timed))
        for start_ms, end_ms in full_slices(self._start_ms, self._detector.settled_us // 1000, self._spec):
            self._emit(start_ms, end_ms)

    def finish(self, duration_ms: int) -> tuple[Shot, ...]:
        self._close_shot(duration_ms)
        return tuple(self._shots)

    def _close_shot(self, end_ms: int) -> None:
        if end_ms <= self._start_ms:
            return
        for start_ms, slice_end_ms in tuple(full_slices(self._start_ms, end_ms, self._spec)):
            self._emit(start_ms, slice_end_ms)
        for start_ms, slice_end_ms in last_slices(self._start_ms, end_ms, self._spec):
            self._emit(start_ms, slice_end_ms)

    def _emit(self, start_ms: int, end_ms: int) -> None:
        chosen = choose(start_ms * 1000, end_ms * 1000, self._candidates, self._spec)
        self._shots.append(Shot(start_ms, end_ms, tuple(encode(each, self._spec) for each in chosen)))
        self._start_ms = end_ms
        # The last picture before the boundary stays on the screen beyond it until another one comes.
        passed = sum(each.start_us < end_ms * 1000 for each in self._candidates)
        del self._candidates[: max(0, passed - 1)]

    def _candidate(self, timed: TimedFrame) -> Candidate:
        frame = timed.frame
        shown = displayed_size(frame.width, frame.height, self._aspect)
        picture = self._to_keep.shrink(frame, fit_shorter(*shown, self._spec.keyframe_side_px))
        return Candidate(timed.start_us, timed.end_us, picture, orientation_of(frame), bool(frame.is_corrupt))
