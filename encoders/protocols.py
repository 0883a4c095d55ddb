"""What a loaded model can do, and the values it gives back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from encoders.family import ModelSpec

Vectors: TypeAlias = NDArray[np.float32]
Samples: TypeAlias = NDArray[np.int16]
Keyframes: TypeAlias = Sequence[Sequence[bytes]]
"""One entry per segment: the JPEG (or PNG) bytes of its keyframes, in order of time."""

SAMPLE_RATE_HZ = 16_000


@dataclass(frozen=True, slots=True)
class ForwardPasses:
    """The work that a loaded model has done since it was loaded. What a memo or a cache answered is not in it.

    Attributes:
        images: Pictures pushed through an image network, each counted once per push.
        texts: Texts pushed through a text network: queries, documents, and class sentences.
        sound_s: Seconds of sound read by a transcriber, silence included: its voice detector sees all of it.
    """

    images: int = 0
    texts: int = 0
    sound_s: float = 0.0

    def __add__(self, other: ForwardPasses) -> ForwardPasses:
        return ForwardPasses(self.images + other.images, self.texts + other.texts, self.sound_s + other.sound_s)

    def __sub__(self, other: ForwardPasses) -> ForwardPasses:
        return ForwardPasses(self.images - other.images, self.texts - other.texts, self.sound_s - other.sound_s)


@dataclass(frozen=True, slots=True)
class Word:
    """A spoken word, `[start_ms, end_ms)` from the first sample; `probability` in [0, 1]."""

    start_ms: int
    end_ms: int
    text: str
    probability: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """All words of a sound track in order of time; `language` is an ISO 639-1 code."""

    language: str
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """The words, joined by single spaces."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True, slots=True)
class Label:
    """A class that a captioner saw, with its score in [0, 1]."""

    name: str
    score: float


@dataclass(frozen=True, slots=True)
class Caption:
    """What a captioner says of a segment. `text` is empty where the model is not sure of anything."""

    text: str
    labels: tuple[Label, ...] = ()


class LoadedModel(Protocol):
    """What every loaded model tells about itself."""

    @property
    def spec(self) -> ModelSpec:
        """The spec it was loaded from; `spec.version` belongs on every row it makes."""
        ...

    @property
    def forward_passes(self) -> ForwardPasses:
        """The work done since loading."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a tower makes of pictures, a row a picture.

    Attributes:
        features: What a trained head reads, float32 `(n, f)`.
        vectors: Where the tower itself places them: unit vectors, float32 `(n, d)`.
    """

    features: Vectors
    vectors: Vectors


class Tower(LoadedModel, Protocol):
    """A frozen model of pictures and sentences that a trained head can stand on."""

    def see(self, pictures: Sequence[bytes]) -> Seen:
        """What it makes of pictures, in their order.

        Raises:
            EncodeFailed: One of them is not a picture.
        """
        ...

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """One unit vector per sentence, float32 `(n, d)`, in the space of `Seen.vectors`.

        Raises:
            EncodeFailed: A sentence is empty or blank.
        """
        ...


@runtime_checkable
class ImageEncoder(LoadedModel, Protocol):
    """Pictures to vectors."""

    def embed_segments(self, keyframes: Keyframes) -> Vectors:
        """One unit vector per segment, float32 `(n, dim)`, pooled over its keyframes as the spec says.

        Batches cross segments. No segments give `(0, dim)`.

        Raises:
            EncodeFailed: A segment has no keyframe, or one that is not a picture.
        """
        ...


@runtime_checkable
class QueryEncoder(LoadedModel, Protocol):
    """A person's words to vectors of the same space."""

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """One unit vector per query, float32 `(n, dim)`.

        Raises:
            EncodeFailed: A query is empty or blank.
        """
        ...


@runtime_checkable
class DocumentEncoder(LoadedModel, Protocol):
    """Documents to vectors."""

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """One unit vector per document, float32 `(n, dim)`.

        Raises:
            EncodeFailed: A document is empty or blank: it has no place in the space.
        """
        ...


class VisualEncoder(ImageEncoder, QueryEncoder, Protocol):
    """A model of the visual space. Each side is loaded when it is first used."""


class TextEncoder(DocumentEncoder, QueryEncoder, Protocol):
    """A model of the text space."""


@runtime_checkable
class Transcriber(LoadedModel, Protocol):
    """Sound to words."""

    def transcribe(self, samples: Samples) -> Transcript:
        """The words of a whole sound track.

        Args:
            samples: int16 `(n,)`, mono, 16 kHz: an array or a memory map, read in bounded blocks.

        Raises:
            EncodeFailed: Not one-dimensional int16.
        """
        ...

    def sound_features(self, samples: Samples) -> Vectors:
        """What the network makes of at most 30 s of sound before a word is decided, float32 `(n, d)`: for canaries."""
        ...


@runtime_checkable
class Captioner(LoadedModel, Protocol):
    """Pictures to words."""

    def caption_segments(self, keyframes: Keyframes) -> list[Caption]:
        """One caption per segment.

        Raises:
            EncodeFailed: A segment has no keyframe, or one that is not a picture.
        """
        ...

    def segment_features(self, keyframes: Keyframes) -> Vectors:
        """What the caption of each segment is decided from, float32 `(n, d)`: for canaries."""
        ...


@runtime_checkable
class Reader(LoadedModel, Protocol):
    """Pictures to the text that can be read in them."""

    def read_segments(self, keyframes: Keyframes) -> list[str]:
        """The text on the keyframes of each segment, one line of it a line, each said once; empty where there is none.

        Raises:
            EncodeFailed: A segment has no keyframe, or one that is not a picture.
        """
        ...

    def segment_features(self, keyframes: Keyframes) -> Vectors:
        """What the text of each segment is decided from, float32 `(n, d)`: for canaries."""
        ...
