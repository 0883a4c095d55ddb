"""One pass over one stream: every frame in presentation order, errors counted, never a seek.

A seek would be cheaper for some pictures, but some files decode cleanly from the start and give damaged frames
after a seek.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from media.completeness import DecodeTally
from media.container import OpenMedia, TickClock, timed_streams
from media.errors import unavailable
from media.memory import data_headroom_bytes
from media.timeline import Timeline

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.frame import Frame
    from av.packet import Packet
    from av.stream import Stream
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

Progress = Callable[[int, "int | None"], None]
"""Called often during a pass with the presentation time reached and the container's duration, both in ms."""

_USUAL_FRAME_US = 40_000
_BYTES_PER_PIXEL_MAX = 4


@dataclass(frozen=True, slots=True)
class TimedFrame:
    """A picture and when it is shown, in microseconds on the presentation timeline."""

    frame: VideoFrame
    start_us: int
    end_us: int


class Pass:
    """One reading of an open container for the sake of one stream, by `pictures` or `sounds`, once.

    Packets of the other timed streams are not decoded, only looked at: they tell how far the file can be read.

    Args:
        media: The open container, not read before.
        progress: Told of every packet, so that a long stretch without frames is not taken for a hang.
    """

    def __init__(self, media: OpenMedia, progress: Progress) -> None:
        self.tally = DecodeTally()
        self.read_us = 0
        """How far packets could be read, over all timed streams, decodable or not."""
        self.longest_us = 0
        """Longest time a picture was shown."""
        self.last_duration_known = True
        self._media = media
        self._progress = progress
        self._timeline = Timeline(media.origin_us, media.duration_us)

    @property
    def end_us(self) -> int:
        """Where the decoded frames end."""
        return self._timeline.end_us

    def pictures(self, stream: VideoStream) -> Iterator[TimedFrame]:
        """Decoded pictures with the time each is shown: until the next one begins."""
        usual_us = _frame_us(stream)
        clock = TickClock(stream.time_base)
        held: VideoFrame | None = None
        held_us = 0
        picture: VideoFrame
        for picture in self._frames(stream):
            stated_us = clock.us(picture.duration or 0)
            start_us = self._place(picture, clock, stated_us or usual_us)
            self.last_duration_known = stated_us > 0
            if held is None:
                start_us = max(0, start_us)
            else:
                start_us = max(start_us, held_us + 1)
                self.longest_us = max(self.longest_us, start_us - held_us)
                yield TimedFrame(held, held_us, start_us)
            held, held_us = picture, start_us
        if held is not None:
            yield TimedFrame(held, held_us, max(self.end_us, held_us + 1))

    def sounds(self, stream: AudioStream) -> Iterator[tuple[AudioFrame, int]]:
        """Decoded sound frames with the start of each in microseconds."""
        clock = TickClock(stream.time_base)
        sound: AudioFrame
        for sound in self._frames(stream):
            if sound.samples > 0 and sound.sample_rate > 0:
                yield sound, self._place(sound, clock, sound.samples * 1_000_000 // sound.sample_rate)

    def _place(self, frame: Frame, clock: TickClock, duration_us: int) -> int:
        pts = frame.pts
        return self._timeline.place(None if pts is None else clock.us(pts), duration_us)

    def _frames(self, stream: Stream) -> Iterator[Any]:
        import av

        # One thread per file: several files are decoded side by side, and that wastes least.
        stream.codec_context.thread_count = 1
        timed = timed_streams(self._media)
        clocks = {each.index: TickClock(each.time_base) for each in timed}
        duration_ms = None if self._media.duration_us is None else self._media.duration_us // 1000
        try:
            for packet in self._media.container.demux(timed):
                # The packet's own index is not set on the empty packets that flush the decoders at the end.
                index = packet.stream.index
                self._note(packet, clocks[index])
                if index != stream.index:
                    continue
                self._progress(max(0, self._timeline.end_us) // 1000, duration_ms)
                try:
                    frames: list[Any] = packet.decode()
                except MemoryError:
                    raise
                except av.FFmpegError as cause:
                    _demand_memory(stream, cause)
                    self.tally.errors += 1
                    continue
                for frame in frames:
                    self.tally.frames += 1
                    self.tally.damaged += frame.is_corrupt
                    yield frame
        except MemoryError:
            raise
        except OSError as cause:
            raise unavailable(self._media.path, cause) from cause
        except av.FFmpegError:
            # The container's structure is broken here. What follows is missing, and is missed against its promise.
            self.tally.errors += 1

    def _note(self, packet: Packet[Any], clock: TickClock) -> None:
        ticks = packet.pts if packet.pts is not None else packet.dts
        if ticks is None:
            return
        end_us = clock.us(ticks + (packet.duration or 0)) - self._media.origin_us
        promised_us = self._media.duration_us
        if promised_us is not None:
            # A damaged timestamp must not stretch the video.
            end_us = min(end_us, promised_us)
        self.read_us = max(self.read_us, end_us)


def _demand_memory(stream: Stream, cause: Exception) -> None:
    # Some decoders report a frame they had no memory for as corrupt data.
    headroom = data_headroom_bytes()
    needed = getattr(stream, "width", 0) * getattr(stream, "height", 0) * _BYTES_PER_PIXEL_MAX
    if headroom is not None and headroom < needed:
        raise MemoryError from cause


def _frame_us(stream: VideoStream) -> int:
    rate = stream.average_rate or stream.guessed_rate
    return round(1_000_000 / rate) if rate and 0.001 < rate < 1000 else _USUAL_FRAME_US
