"""Opening a container: its streams, its zero, and what it promises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from media.errors import NoSound, label, unavailable, unreadable

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.stream import Stream
    from av.video.stream import VideoStream

# Formats that write their duration down. Others (MPEG streams, raw streams) have it estimated from the end of the
# file or from the bit rate, which a truncated file fulfils and a whole one may not.
_STATES_DURATION = frozenset({"mov", "mp4", "matroska", "webm", "avi", "flv", "asf", "nut", "mxf", "wav"})
# What FFmpeg also opens: text drawn as a terminal would, and lists of other files.
_NO_VIDEO = frozenset({"tty", "bin", "xbin", "adf", "idf", "concat", "hls", "dash", "imf"})


@dataclass(frozen=True, slots=True)
class OpenMedia:
    """A container open for one pass."""

    path: Path
    container: InputContainer
    origin_us: int
    """The container's start on its streams' clocks."""
    duration_us: int | None
    """What the container says, stated or estimated."""
    promised_us: int | None
    """What the container says where it states it."""


@contextmanager
def open_media(path: Path) -> Iterator[OpenMedia]:
    """Open a file for reading, local files only: a playlist in disguise reaches nothing else.

    Raises:
        FileUnavailable: The operating system does not hand out the file.
        UnreadableVideo: The bytes are no container that FFmpeg knows.
    """
    import av

    try:
        if path.stat().st_size == 0:
            raise unreadable(path, "not a video: the file is empty.", "Copy the file again from its source.")
        container = av.open(str(path), metadata_errors="replace", options={"protocol_whitelist": "file"})
    except MemoryError:
        raise
    except OSError as cause:
        raise unavailable(path, cause) from cause
    except (av.FFmpegError, ValueError) as cause:
        raise unreadable(
            path,
            "not a video: no container format can be recognised, or its header is damaged or cut off.",
            "Check that the file is a video and was copied whole.",
        ) from cause
    with container:
        if container.format.name in _NO_VIDEO:
            raise unreadable(path, "not a video: it is text or a playlist.", "Give the video files themselves.")
        origin_us = _origin_us(container)
        duration_us = _duration_us(container, origin_us)
        stated = bool(_STATES_DURATION.intersection(container.format.name.split(",")))
        yield OpenMedia(path, container, origin_us, duration_us, duration_us if stated else None)


def video_stream(media: OpenMedia) -> VideoStream:
    """The moving picture: the default stream, else the first, never a cover picture.

    Raises:
        UnreadableVideo: There is none, or no decoder for it.
    """
    found = [stream for stream in media.container.streams.video if not _is_cover(stream)]
    if not found:
        raise unreadable(media.path, "no video stream in it.", "Give files with moving pictures.")
    stream = next((each for each in found if _is_default(each)), found[0])
    _demand_decoder(media, stream)
    return stream


def has_sound(media: OpenMedia) -> bool:
    """Whether the container lists a sound track."""
    return bool(media.container.streams.audio)


def audio_stream(media: OpenMedia) -> AudioStream:
    """The sound track: the default one, else the first.

    Raises:
        NoSound: There is none.
        UnreadableVideo: There is no decoder for it.
    """
    found = list(media.container.streams.audio)
    if not found:
        raise NoSound("has no sound track.", where=label(media.path))
    stream = next((each for each in found if _is_default(each)), found[0])
    _demand_decoder(media, stream)
    return stream


def timed_streams(media: OpenMedia) -> list[Stream]:
    """The streams that take part in the presentation: pictures and sound, without covers."""
    pictures: list[Stream] = [stream for stream in media.container.streams.video if not _is_cover(stream)]
    return [*pictures, *media.container.streams.audio]


def stream_promise_us(media: OpenMedia, stream: Stream) -> int | None:
    """Where the stream itself promises to end on the presentation timeline, if it states that."""
    if media.promised_us is None:
        return None
    if stream.duration and stream.time_base:
        start = stream.start_time or 0
        return to_us(start + stream.duration, stream.time_base) - media.origin_us
    return _tagged_us(stream.metadata.get("DURATION"), media.origin_us)


def to_us(ticks: int, time_base: Fraction) -> int:
    """Ticks of a stream's clock in microseconds."""
    return TickClock(time_base).us(ticks)


class TickClock:
    """A stream's ticks in microseconds. Unpacks the fraction once: that is dear for every packet."""

    def __init__(self, time_base: Fraction | None) -> None:
        unit = time_base or Fraction(1, 1_000_000)
        self._numerator = unit.numerator * 1_000_000
        self._denominator = unit.denominator

    def us(self, ticks: int) -> int:
        """Rounded down to whole microseconds."""
        return ticks * self._numerator // self._denominator


def _origin_us(container: InputContainer) -> int:
    if container.start_time is not None:
        return int(container.start_time)
    starts = [
        to_us(stream.start_time, stream.time_base)
        for stream in (*container.streams.video, *container.streams.audio)
        if stream.start_time is not None and stream.time_base is not None
    ]
    return min(starts, default=0)


def _duration_us(container: InputContainer, origin_us: int) -> int | None:
    if container.duration is None or container.duration <= 0:
        return None
    # Matroska counts to the end of the last block from zero, the others from the container's start.
    from_zero = "matroska" in container.format.name and 0 < origin_us < container.duration
    return int(container.duration) - (origin_us if from_zero else 0)


def _tagged_us(tag: str | None, origin_us: int) -> int | None:
    """Matroska's stream tag `HH:MM:SS.fraction`, counted from zero."""
    try:
        hours, minutes, seconds = (tag or "").split(":")
        end_us = round((int(hours) * 3600 + int(minutes) * 60 + float(seconds)) * 1e6)
    except ValueError:
        return None
    return end_us - origin_us if end_us > origin_us else None


def _is_cover(stream: VideoStream) -> bool:
    from av.stream import Disposition

    return bool(stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails))


def _is_default(stream: Stream) -> bool:
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.default)


def _demand_decoder(media: OpenMedia, stream: Stream) -> None:
    if stream.codec_context is None:
        raise unreadable(
            media.path, f"there is no decoder for its {stream.type} stream.", "Convert it to a common codec."
        )
