"""Where somebody speaks in a sound: Silero's voice detector, so that silence and music reach no transcriber."""

from __future__ import annotations

from bisect import bisect

import numpy as np
from numpy.typing import NDArray

from encoders.errors import WeightsMissing
from encoders.family import Frozen
from encoders.protocols import SAMPLE_RATE_HZ
from encoders.spoken_words import Piece
from encoders.weights import digest_of, package_file

_PACKAGE = "faster-whisper"
_NETWORK = "faster_whisper/assets/silero_vad_v6.onnx"


class VoiceDetector(Frozen):
    """Silero's voice detector, which faster-whisper brings along: its network and its settings."""

    sha256: str
    threshold: float = 0.5
    min_silence_ms: int = 2000
    pad_ms: int = 400


class Speech:
    """The spoken passages of a sound, one behind the other, and the way back to when they were said."""

    def __init__(self, sound: NDArray[np.float32], passages: list[tuple[int, int]]) -> None:
        self.sound: NDArray[np.float32] = np.concatenate(
            [np.empty(0, np.float32), *(sound[start:stop] for start, stop in passages)]
        )
        lengths = [stop - start for start, stop in passages]
        self._starts = [start for start, _ in passages]
        self._joined = [0, *np.cumsum(lengths).tolist()][: len(passages)]

    def said_at(self, piece: Piece) -> Piece:
        """The same word at its times in the whole sound. It lies in one passage: the one that its middle is in."""
        middle = (piece.start_s + piece.end_s) / 2 * SAMPLE_RATE_HZ
        passage = max(bisect(self._joined, middle) - 1, 0)
        silence_s = (self._starts[passage] - self._joined[passage]) / SAMPLE_RATE_HZ
        return Piece(piece.text, piece.start_s + silence_s, piece.end_s + silence_s, piece.probability)


def find_voice_detector() -> VoiceDetector:
    """The detector that is installed here.

    Raises:
        WeightsMissing: It is not.
    """
    return VoiceDetector(sha256=digest_of(package_file(_PACKAGE, _NETWORK)))


def check_voice_detector(detector: VoiceDetector) -> None:
    """Raise unless the installed detector is the one meant.

    Raises:
        WeightsMissing: It is not installed, or holds other bytes.
    """
    path = package_file(_PACKAGE, _NETWORK)
    if digest_of(path) != detector.sha256:
        raise WeightsMissing(
            "the installed voice detector is not the one this model was made with.",
            where=str(path),
            remedy=f"Install the {_PACKAGE} it came with, or register the installed one as a new model.",
        )


def find_speech(sound: NDArray[np.float32], detector: VoiceDetector) -> Speech:
    """The passages of float32 sound `(n,)`, 16 kHz, in which somebody speaks."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    options = VadOptions(
        threshold=detector.threshold, min_silence_duration_ms=detector.min_silence_ms, speech_pad_ms=detector.pad_ms
    )
    return Speech(sound, [(passage["start"], passage["end"]) for passage in get_speech_timestamps(sound, options)])
