"""A video file -> what it is: container, codecs, displayed size, promised duration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from media.container import OpenMedia, audio_stream, has_sound, open_media, video_stream
from media.decoding import Pass, Progress
from media.errors import UnreadableVideo, unreadable
from media.pictures import displayed_size, orientation_of, pixel_aspect


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """Facts of a video file.

    `width` and `height` are as displayed: after rotation, with square pixels. `rotation` is the clockwise turn in
    degrees (0, 90, 180, 270) that the container asks for. `duration_ms` is what the container says, None where it
    says nothing. `start_offset_ms` is the container's start on its own clock, which is zero on the presentation
    timeline. `audio_codec` is None where there is no sound or no decoder for it.
    """

    container: str
    video_codec: str
    audio_codec: str | None
    width: int
    height: int
    rotation: int
    duration_ms: int | None
    start_offset_ms: int
    fps: float | None
    has_audio: bool


def probe(path: Path, progress: Progress) -> VideoFacts:
    """Read the header and decode one frame, which alone tells the rotation and that frames can be had.

    Raises:
        FileUnavailable: The file cannot be opened.
        UnreadableVideo: It is no video, or not one frame of it decodes.
    """
    with open_media(path) as media:
        stream = video_stream(media)
        timed = next(iter(Pass(media, progress).pictures(stream)), None)
        if timed is None:
            raise unreadable(path, "corrupt: no frame can be decoded.")
        frame = timed.frame
        aspect = stream.sample_aspect_ratio
        width, height = displayed_size(frame.width, frame.height, pixel_aspect(float(aspect) if aspect else None))
        orientation = orientation_of(frame)
        sound = has_sound(media)
        rate = stream.average_rate or stream.guessed_rate
        return VideoFacts(
            container=media.container.format.name,
            video_codec=stream.codec_context.codec.canonical_name,
            audio_codec=_audio_codec(media) if sound else None,
            width=height if orientation.transpose else width,
            height=width if orientation.transpose else height,
            rotation=orientation.rotation,
            duration_ms=None if media.duration_us is None else round(media.duration_us / 1000),
            start_offset_ms=round(media.origin_us / 1000),
            fps=float(rate) if rate else None,
            has_audio=sound,
        )


def _audio_codec(media: OpenMedia) -> str | None:
    try:
        return audio_stream(media).codec_context.codec.canonical_name
    except UnreadableVideo:
        return None
