"""A file's sound track -> 16 kHz mono PCM on the presentation timeline."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from media.completeness import demand_decodable, demand_whole
from media.container import audio_stream, open_media, stream_promise_us
from media.decoding import Pass, Progress

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.resampler import AudioResampler

SAMPLE_RATE_HZ = 16_000
SAMPLE_BYTES = 2
DRIFT_MAX_US = 40_000
"""How far sound may be from its timestamp before it is moved there: containers round to some milliseconds."""
_SILENCE = bytes(SAMPLE_RATE_HZ * SAMPLE_BYTES)


@dataclass(frozen=True, slots=True)
class SoundTrack:
    """Raw PCM in a file: signed 16-bit in the machine's byte order, mono, 16 kHz, no header.

    Sample 0 is time zero of the timeline on which the segments lie. `decode_errors` counts packets that gave no
    sound; silence stands in their place.
    """

    path: Path
    samples: int
    duration_ms: int
    decode_errors: int


def extract_sound(path: Path, output: Path, progress: Progress) -> SoundTrack:
    """Decode the default sound track and write it to `output` as it comes.

    A late start and gaps in the timestamps become silence, overlaps are trimmed. On an error `output` is left
    incomplete: the caller discards it.

    Raises:
        FileUnavailable: The file cannot be opened.
        NoSound: It has no sound track.
        UnreadableVideo: It is no media file, or too much of the sound does not decode.
        TruncatedVideo: Clearly less was read than the container promises.
    """
    with open_media(path) as media, output.open("wb") as target:
        stream = audio_stream(media)
        reading = Pass(media, progress)
        track = _Track(target)
        for frame, start_us in reading.sounds(stream):
            track.add(frame, start_us)
        track.finish()
        demand_whole(path, promised_us=media.promised_us, read_us=max(reading.end_us, reading.read_us))
        demand_decodable(path, reading.tally, "sound frame")
        promised_us = stream_promise_us(media, stream)
        demand_whole(path, promised_us=promised_us, read_us=reading.end_us, what="the sound track")
        return SoundTrack(
            path=output,
            samples=track.written,
            duration_ms=track.written * 1000 // SAMPLE_RATE_HZ,
            decode_errors=reading.tally.errors,
        )


class _Track:
    """Places decoded sound on the timeline, sample by sample."""

    def __init__(self, target: BinaryIO) -> None:
        self.written = 0
        self._target = target
        self._resampler: AudioResampler | None = None
        self._kind: tuple[str, str, int] | None = None
        self._expected_us = 0
        self._skip = 0

    def add(self, frame: AudioFrame, start_us: int) -> None:
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._resampler is None or kind != self._kind or abs(start_us - self._expected_us) > DRIFT_MAX_US:
            self._begin(kind, start_us)
        self._expected_us += frame.samples * 1_000_000 // frame.sample_rate
        self._resample(frame)

    def finish(self) -> None:
        if self._resampler is not None:
            self._resample(None)
            self._resampler = None

    def _begin(self, kind: tuple[str, str, int], start_us: int) -> None:
        from av.audio.resampler import AudioResampler

        self.finish()
        position = start_us * SAMPLE_RATE_HZ // 1_000_000
        self._write_silence(max(0, position - self.written))
        self._skip = max(0, self.written - position)
        self._kind, self._expected_us = kind, start_us
        self._resampler = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)

    def _resample(self, frame: AudioFrame | None) -> None:
        assert self._resampler is not None
        if frame is not None:
            # The resampler would fill or squeeze by timestamps of its own accord; here they are settled already.
            frame.pts = None
        for resampled in self._resampler.resample(frame):
            samples = resampled.to_ndarray().reshape(-1)
            skipped = min(self._skip, samples.size)
            self._skip -= skipped
            self._target.write(samples[skipped:].tobytes())
            self.written += samples.size - skipped

    def _write_silence(self, samples: int) -> None:
        remaining = samples * SAMPLE_BYTES
        while remaining > 0:
            remaining -= self._target.write(_SILENCE[:remaining])
        self.written += samples
