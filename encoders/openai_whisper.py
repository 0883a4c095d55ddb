"""Whisper in OpenAI's own implementation: speech to words with times, in any of its languages, in bounded memory.

Source: Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision"; package openai-whisper. Word
times come from its cross-attention, warped onto the sound. Silero's detector leaves silence and music out.

A checkpoint is one of OpenAI's, out of the cache that `whisper.load_model` downloads to, or a file of your own in the
same form: `openai_whisper:base`, `openai_whisper:@/models/ours.pt`. Nothing here reaches for the network.

Decoding is guarded as in `encoders.faster_whisper`: temperature 0, blind to the text before, and a passage is left out
when it compresses like a loop, or when the model itself takes it for silence and is unsure of its words.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from encoders.errors import WeightsMissing
from encoders.family import Family, ModelSpec, Runtime
from encoders.local_weights import LocalWeights, find_local, locate_local
from encoders.protocols import SAMPLE_RATE_HZ, ForwardPasses, Samples, Transcript, Vectors, Word
from encoders.sound_blocks import sound_blocks
from encoders.spoken_words import Piece, as_floats, check_samples, placed, whole_words
from encoders.voice_detector import Speech, VoiceDetector, check_voice_detector, find_speech, find_voice_detector
from encoders.weights import package_version
from encoders.whisper_checkpoint import ENGINE, NAMES, cached_checkpoint, published_as

if TYPE_CHECKING:
    from whisper.model import Whisper

_FRAMES_PER_SECOND = 50
_UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "yue"})
"""Whisper gives a piece for each character or so in these: nothing shows where a word begins."""
UNDETERMINED = "und"
LOCAL = "local"
_PATH_STARTS = ("@", "/", "./", "../", "~")


class OpenaiWhisperSpec(ModelSpec):
    """Weights, engine, and every decoding option that decides which words come out, and when."""

    describe: ClassVar[str] = "OpenAI's Whisper: speech in some hundred languages to words with times; slow on a CPU."

    role: Literal["transcriber"] = "transcriber"
    family: Literal["openai_whisper"] = "openai_whisper"
    model: str
    """The published name of the checkpoint, or `local`."""
    weights: LocalWeights
    engine_revision: str
    alignment_heads: str | None
    """Of the published checkpoint; None stands for all heads of the later half of the decoder, as Whisper does."""
    precision: Literal["float32"] = "float32"
    language: Literal["en-or-detected-in-the-first-speech"] = "en-or-detected-in-the-first-speech"
    """English where the checkpoint knows no other; else what it takes the first 30 s of speech for, once per track."""
    beam_size: int = 2
    temperature: float = 0.0
    max_compression_ratio: float = 2.4
    max_no_speech: float = 0.6
    min_log_probability: float = -1.0
    voice_detector: VoiceDetector
    block_s: float = 300.0
    block_cut_search_s: float = 30.0

    @property
    def slug(self) -> str:
        """The readable part of the version."""
        return f"openai-whisper-{self.model}"


class OpenaiWhisper:
    """A loaded transcriber. Not safe to share between threads: the engine hooks its caches into the network."""

    def __init__(self, spec: OpenaiWhisperSpec) -> None:
        checkpoint = locate_local(spec.weights)
        _check_engine(spec)
        check_voice_detector(spec.voice_detector)
        self._spec = spec
        self._network = _open_network(checkpoint, spec.alignment_heads)
        self._sound_s = 0.0

    @property
    def spec(self) -> OpenaiWhisperSpec:
        """What it was loaded from."""
        return self._spec

    @property
    def forward_passes(self) -> ForwardPasses:
        """Seconds of sound read since loading, silence included."""
        return ForwardPasses(sound_s=self._sound_s)

    def transcribe(self, samples: Samples) -> Transcript:
        """The words of a whole sound track; peak memory does not depend on its length.

        The language is Whisper's code for it, `und` where a checkpoint of many languages heard nobody speak.

        Args:
            samples: int16 `(n,)`, mono, 16 kHz: an array or a memory map.

        Raises:
            EncodeFailed: Not one-dimensional int16.
        """
        check_samples(samples)
        language = None if self._network.is_multilingual else "en"
        words: list[Word] = []
        for start, stop in sound_blocks(samples, block_s=self._spec.block_s, search_s=self._spec.block_cut_search_s):
            speech = find_speech(as_floats(samples[start:stop]), self._spec.voice_detector)
            self._sound_s += (stop - start) / SAMPLE_RATE_HZ
            if not len(speech.sound):
                continue
            passages, language = self._decode(speech, language)
            block = [word for passage in passages for word in whole_words(passage, spaced=language not in _UNSPACED)]
            earliest_ms = words[-1].start_ms if words else 0
            words += placed(block, offset=start, samples=stop - start, earliest_ms=earliest_ms)
        return Transcript(language=language or UNDETERMINED, words=tuple(words))

    def sound_features(self, samples: Samples) -> Vectors:
        """What the audio encoder makes of at most 30 s: float32 `(seconds, width)`, one mean vector per second."""
        import torch
        from whisper.audio import N_FRAMES, N_SAMPLES, log_mel_spectrogram

        check_samples(samples)
        whole_seconds = min(len(samples) // SAMPLE_RATE_HZ, 30)
        sound = as_floats(samples[: whole_seconds * SAMPLE_RATE_HZ])
        spectrum = log_mel_spectrogram(sound, self._network.dims.n_mels, padding=N_SAMPLES)[:, :N_FRAMES]
        with torch.inference_mode():
            encoded = self._network.embed_audio(spectrum[None].to(self._network.device))
        frames = encoded[0, : whole_seconds * _FRAMES_PER_SECOND].float().cpu().numpy()
        self._sound_s += whole_seconds
        features: Vectors = frames.reshape(whole_seconds, _FRAMES_PER_SECOND, -1).mean(axis=1, dtype=np.float32)
        return features

    def _decode(self, speech: Speech, language: str | None) -> tuple[list[list[Piece]], str]:
        """The pieces of each passage at their times in the sound, and the language that they were read in."""
        from whisper.transcribe import transcribe

        spec = self._spec
        read = transcribe(
            self._network,
            speech.sound,
            language=language,
            beam_size=spec.beam_size,
            temperature=spec.temperature,
            compression_ratio_threshold=spec.max_compression_ratio,
            no_speech_threshold=spec.max_no_speech,
            logprob_threshold=spec.min_log_probability,
            condition_on_previous_text=False,
            word_timestamps=True,
            fp16=False,
        )
        kept = [part for part in read["segments"] if part["compression_ratio"] <= spec.max_compression_ratio]
        return [list(_pieces(part["words"], speech)) for part in kept], str(read["language"])


def _pieces(words: list[dict[str, Any]], speech: Speech) -> Iterator[Piece]:
    for word in words:
        yield speech.said_at(
            Piece(word["word"], float(word["start"]), float(word["end"]), min(float(word["probability"]), 1.0))
        )


def _open_network(checkpoint: Path, alignment_heads: str | None) -> Whisper:
    import whisper
    from whisper import timing

    # Its alignment is a small loop that two threads finish no sooner, but burn twice the time on.
    timing.numba.set_num_threads(1)
    try:
        network = whisper.load_model(str(checkpoint))
    except (pickle.UnpicklingError, RuntimeError, KeyError, TypeError) as error:
        raise WeightsMissing(
            f"this is not a checkpoint of Whisper ({type(error).__name__}: {str(error)[:200]}).",
            where=str(checkpoint),
            remedy="It must hold `dims` and `model_state_dict`, as the ones that OpenAI published do.",
        ) from error
    if alignment_heads is not None:
        network.set_alignment_heads(alignment_heads.encode())
    return network.eval()


def _check_engine(spec: OpenaiWhisperSpec) -> None:
    installed = package_version(ENGINE)
    if installed != spec.engine_revision:
        raise WeightsMissing(
            f"version {installed} is installed, the model was made with {spec.engine_revision}.",
            where=ENGINE,
            remedy=f"Install {ENGINE}=={spec.engine_revision}, or register the model with the installed one.",
        )


def resolve_openai_whisper(model: str) -> OpenaiWhisperSpec:
    """The spec of a published checkpoint by its name, or of a file by its path: `@<path>`, or `/…`, `./…`, `~/…`.

    Raises:
        UnknownModel: No checkpoint was published under this name.
        WeightsMissing: It has not been downloaded, or there is no such file.
    """
    is_path = model.startswith(_PATH_STARTS)
    weights = find_local(model.removeprefix("@")) if is_path else cached_checkpoint(model)
    known = published_as(weights.files[0].sha256)
    return OpenaiWhisperSpec(
        model=known.name if known else LOCAL,
        weights=weights,
        engine_revision=package_version(ENGINE),
        alignment_heads=known.alignment_heads if known else None,
        voice_detector=find_voice_detector(),
    )


def load_openai_whisper(spec: OpenaiWhisperSpec, _runtime: Runtime) -> OpenaiWhisper:
    """Load the network.

    Raises:
        WeightsMissing: The checkpoint, the engine or the voice detector of the spec is not here, or is another.
    """
    return OpenaiWhisper(spec)


FAMILY = Family(
    spec=OpenaiWhisperSpec,
    # None by default: which checkpoints are here is known only to who downloaded them.
    models=(),
    resolve=resolve_openai_whisper,
    load=load_openai_whisper,
    examples=(*NAMES, "@/path/to/checkpoint.pt"),
)
