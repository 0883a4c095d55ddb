"""Narrated videos: pictures in motion and a voice, written as H.264 and AAC."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from orchestration.demo_corpus.installed_files import installed_file
from orchestration.demo_corpus.narration import Voice
from orchestration.demo_corpus.picture_motion import HEIGHT, WIDTH, moving_frames
from orchestration.demo_corpus.screenplay import NarratedVideo, Shot

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.video.stream import VideoStream

FRAMES_PER_SECOND = 25
_PAUSE_S = 0.3
_SOUND_BIT_RATE = 64_000


def picture_of(shot: Shot) -> Path:
    """The picture file of a shot.

    Raises:
        DemoMaterialMissing: scikit-image is not installed, or does not ship the picture.
    """
    return installed_file("skimage", "scikit-image", f"data/{shot.picture}")


def write_narrated_video(video: NarratedVideo, target: Path, voice: Voice) -> None:
    """Write a narrated video as MP4: 640x360 at 25 frames/s, mono sound. Each shot lasts as long as its words.

    Raises:
        DemoMaterialMissing: A picture is not installed.
    """
    import av

    pictures = [picture_of(shot) for shot in video.shots]
    with av.open(str(target), "w", format="mp4") as container:
        picture_stream = _picture_stream(container)
        sound_stream = container.add_stream("aac", rate=voice.sample_rate, layout="mono", bit_rate=_SOUND_BIT_RATE)
        frames_before = 0
        for shot, picture in zip(video.shots, pictures, strict=True):
            samples = _spoken(shot, voice)
            frame_count = len(samples) * FRAMES_PER_SECOND // voice.sample_rate
            frames = moving_frames(picture, shot.start, shot.end, frame_count)
            for number, pixels in enumerate(frames, start=frames_before):
                _write_picture(container, picture_stream, pixels, number)
            _write_sound(container, sound_stream, samples, voice.sample_rate, frames_before)
            frames_before += frame_count
        container.mux(picture_stream.encode(None))
        container.mux(sound_stream.encode(None))


def _picture_stream(container: OutputContainer) -> VideoStream:
    stream = container.add_stream("libx264", rate=FRAMES_PER_SECOND)
    stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    stream.time_base = Fraction(1, FRAMES_PER_SECOND)
    stream.options = {"crf": "23", "preset": "veryfast"}
    return stream


def _spoken(shot: Shot, voice: Voice) -> NDArray[np.int16]:
    """A shot's words with a pause on both sides, filled up with silence to a whole number of frames."""
    words = voice.say(shot.says)
    pause = np.zeros(round(_PAUSE_S * voice.sample_rate), np.int16)
    samples_per_frame = voice.sample_rate // FRAMES_PER_SECOND
    missing = -(2 * len(pause) + len(words)) % samples_per_frame
    return np.concatenate([pause, words, pause, np.zeros(missing, np.int16)])


def _write_picture(container: OutputContainer, stream: VideoStream, pixels: NDArray[np.uint8], number: int) -> None:
    import av
    import cv2

    # BT.601 as the encoder's own conversion would, at a tenth of its time.
    planes = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2YUV_I420), np.uint8)
    frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
    frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_SECOND)
    container.mux(stream.encode(frame))


def _write_sound(
    container: OutputContainer, stream: AudioStream, samples: NDArray[np.int16], sample_rate: int, frames_before: int
) -> None:
    import av

    frame = av.AudioFrame.from_ndarray(samples[np.newaxis, :], format="s16", layout="mono")
    frame.sample_rate, frame.time_base = sample_rate, Fraction(1, sample_rate)
    frame.pts = frames_before * sample_rate // FRAMES_PER_SECOND
    container.mux(stream.encode(frame))
