"""Small films made for the tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.stream import AudioStream
from av.video.stream import VideoStream
from numpy.typing import NDArray

Image = NDArray[np.uint8]
MILLISECOND = Fraction(1, 1000)
COLOURS = ((200, 30, 30), (30, 200, 30), (30, 30, 200), (200, 200, 30), (30, 200, 200), (120, 120, 120))


def scene(number: int, width: int = 64, height: int = 48) -> Image:
    """`(height, width, 3)` RGB: one colour with a fixed texture, far from its neighbours' numbers."""
    texture = np.random.default_rng(number).integers(0, 50, (height, width, 1), dtype=np.uint8)
    return np.asarray(np.asarray(COLOURS[number % len(COLOURS)], dtype=np.uint8) + texture, dtype=np.uint8)


def cut_film(cuts_ms: Sequence[int], duration_ms: int, frame_ms: int = 40) -> list[tuple[Image, int]]:
    """Frames with their times: a new scene at every cut, a little flicker in between."""
    frames = []
    for pts_ms in range(0, duration_ms, frame_ms):
        picture = scene(sum(cut <= pts_ms for cut in cuts_ms))
        frames.append((picture + np.uint8(pts_ms // frame_ms % 2), pts_ms))
    return frames


def write_film(
    path: Path,
    frames: Iterable[tuple[Image, int]],
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    image_format: str = "rgb24",
    last_ms: int = 40,
    rotation: int = 0,
    aspect: Fraction | None = None,
    tone: Sequence[tuple[int, int]] = (),
    sound_codec: str = "aac",
    options: dict[str, str] | None = None,
    codec_options: dict[str, str] | None = None,
) -> Path:
    """Encode `(picture, pts_ms)` frames; the last is shown for `last_ms`.

    `rotation` is how far a player turns the picture clockwise. `tone` gives `[start_ms, end_ms)` stretches of a
    440 Hz tone; between them the sound stream has no packets at all.
    """
    listed = list(frames)
    height, width = listed[0][0].shape[:2]
    with av.open(str(path), "w", options=options or {}) as container:
        video = cast(VideoStream, container.add_stream(codec, rate=25, options=codec_options or {}))
        video.width, video.height, video.pix_fmt = width, height, pix_fmt
        video.codec_context.time_base = Fraction(1, 25) if codec == "mpeg1video" else MILLISECOND
        if aspect is not None:
            video.codec_context.sample_aspect_ratio = aspect
        if rotation:
            video.set_display_rotation(-rotation)
        sound = cast(AudioStream, container.add_stream(sound_codec, rate=48_000, layout="mono")) if tone else None
        ends = [pts for _, pts in listed[1:]] + [listed[-1][1] + last_ms]
        for (picture, pts_ms), end_ms in zip(listed, ends, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format=image_format)
            frame.pts, frame.time_base, frame.duration = pts_ms, MILLISECOND, end_ms - pts_ms
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if sound is not None:
            for samples, start in _tone_frames(tone):
                piece = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
                piece.sample_rate, piece.pts, piece.time_base = 48_000, start, Fraction(1, 48_000)
                container.mux(sound.encode(piece))
            container.mux(sound.encode(None))
    return path


def _tone_frames(stretches: Sequence[tuple[int, int]]) -> Iterable[tuple[NDArray[np.float32], int]]:
    for start_ms, end_ms in stretches:
        for start in range(start_ms * 48, end_ms * 48, 1024):
            times = np.arange(start, start + 1024) / 48_000
            yield (0.5 * np.sin(2 * np.pi * 440 * times)).astype(np.float32)[None, :], start


def decode_jpeg(jpeg: bytes) -> Image:
    """RGB pixels of a JPEG."""
    import cv2

    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def silent(presented_ms: int, duration_ms: int | None) -> None:
    """A progress callback that nobody watches."""
