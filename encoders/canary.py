"""Fixed inputs that show whether a version still says what it said when it was registered.

Bit-identical weights give other outputs when a tokenizer, a resizing routine or a compute library changes. The inputs
are made from integer arithmetic and stored without loss, so they are the same on every machine.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from encoders.errors import CanaryMismatch
from encoders.protocols import (
    SAMPLE_RATE_HZ,
    Captioner,
    DocumentEncoder,
    ImageEncoder,
    LoadedModel,
    QueryEncoder,
    Reader,
    Samples,
    Transcriber,
    Vectors,
)

Part: TypeAlias = Literal["pictures", "queries", "documents", "captions", "sound", "screen"]
MIN_COSINE = 0.999
_SIDE = 288

SENTENCES = (
    "a dog runs across a meadow",
    "Two people ride bicycles down a busy street at night.",
    "how to cook pasta",
    "The rocket leaves the launch pad; smoke covers the ground.",
    "naïve café, 北京, Ω≈3 — punctuation & symbols!",
    "In this lecture we look at how a database keeps its index in step with its table while many writers are at work.",
)


@dataclass(frozen=True, eq=False)
class Canary:
    """What a version made of the fixed inputs.

    Attributes:
        version: The model version.
        parts: For each part that was computed, float32 `(n, d)`: one row per input.
    """

    version: str
    parts: Mapping[Part, Vectors]

    def to_dict(self) -> dict[str, Any]:
        """A form that `json.dumps` takes: per part the shape, and the rows as base64 of little-endian float32."""
        return {"version": self.version, "parts": {part: _packed(rows) for part, rows in self.parts.items()}}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Canary:
        """The inverse of `to_dict`.

        Raises:
            CanaryMismatch: Not the form that `to_dict` gives.
        """
        try:
            parts = {part: _unpacked(packed) for part, packed in stored["parts"].items()}
            if not set(parts) <= set(get_args(Part)):
                raise ValueError(sorted(parts))
            return cls(version=str(stored["version"]), parts=parts)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CanaryMismatch(
                f"the stored canary cannot be read ({error}).", remedy="Register the version again."
            ) from error


def compute(encoder: LoadedModel, parts: Collection[Part] | None = None) -> Canary:
    """Run the fixed inputs through a model.

    Args:
        encoder: A loaded model of any role.
        parts: Which sides to run; all that the model has if None. A process that only embeds queries runs `queries`
            alone, and the picture side stays unloaded.

    Raises:
        CanaryMismatch: A part is asked for that the model does not have.
    """
    sides = _sides(encoder)
    chosen = list(sides) if parts is None else list(parts)
    for part in chosen:
        if part not in sides:
            raise CanaryMismatch(
                f"the model has no part '{part}', only {', '.join(sides)}.", where=encoder.spec.version
            )
    return Canary(version=encoder.spec.version, parts={part: sides[part]() for part in chosen})


def verify(stored: Canary, fresh: Canary) -> float:
    """Compare a fresh canary with the stored one, part by part; only the parts that `fresh` has.

    Returns:
        The lowest cosine of any input in any part; 1 without parts.

    Raises:
        CanaryMismatch: Another version, a part or shape that the stored one does not have, or any cosine < 0.999.
    """
    remedy = "Go back to the libraries it was registered with, or register it as a new version."
    if stored.version != fresh.version:
        raise CanaryMismatch(
            f"the stored canary is of {stored.version}, the fresh one of {fresh.version}.", where=fresh.version
        )
    lowest = 1.0
    for part, rows in fresh.parts.items():
        known = stored.parts.get(part)
        if known is None or known.shape != rows.shape:
            shape = "nothing" if known is None else f"shape {known.shape}"
            raise CanaryMismatch(
                f"canary part '{part}': stored {shape}, fresh shape {rows.shape}.", where=fresh.version, remedy=remedy
            )
        cosines = _cosines(known, rows)
        worst = int(np.argmin(np.nan_to_num(cosines, nan=-1.0)))
        if not cosines[worst] >= MIN_COSINE:
            raise CanaryMismatch(
                f"the model does not say what {stored.version} said when it was registered: "
                f"canary part '{part}', input {worst}: cosine {cosines[worst]:.6f} < {MIN_COSINE} "
                f"(mean {cosines.mean():.6f} over {len(cosines)} inputs).",
                where=fresh.version,
                remedy=remedy,
            )
        lowest = min(lowest, float(cosines[worst]))
    return lowest


def _sides(encoder: LoadedModel) -> dict[Part, Callable[[], Vectors]]:
    sides: dict[Part, Callable[[], Vectors]] = {}
    if isinstance(encoder, ImageEncoder):
        images = encoder
        sides["pictures"] = lambda: images.embed_segments([[picture] for picture in pictures()])
    if isinstance(encoder, QueryEncoder):
        queries = encoder
        sides["queries"] = lambda: queries.embed_queries(SENTENCES)
    if isinstance(encoder, DocumentEncoder):
        documents = encoder
        sides["documents"] = lambda: documents.embed_documents(SENTENCES)
    if isinstance(encoder, Captioner):
        captioner = encoder
        sides["captions"] = lambda: captioner.segment_features([[picture] for picture in pictures()])
    if isinstance(encoder, Reader):
        reader = encoder
        sides["screen"] = lambda: reader.segment_features([[picture] for picture in pictures()])
    if isinstance(encoder, Transcriber):
        transcriber = encoder
        sides["sound"] = lambda: transcriber.sound_features(sound())
    return sides


def _packed(rows: Vectors) -> dict[str, Any]:
    content = base64.b64encode(np.ascontiguousarray(rows, dtype="<f4").tobytes()).decode()
    return {"shape": list(rows.shape), "float32": content}


def _unpacked(packed: Mapping[str, Any]) -> Vectors:
    inputs, width = packed["shape"]
    content = base64.b64decode(packed["float32"], validate=True)
    return np.frombuffer(content, dtype="<f4").reshape(inputs, width).astype(np.float32)


def _cosines(left: Vectors, right: Vectors) -> NDArray[np.float64]:
    a, b = left.astype(np.float64), right.astype(np.float64)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines: NDArray[np.float64] = np.einsum("nd,nd->n", a, b) / lengths
    return cosines


@lru_cache(maxsize=1)
def pictures() -> tuple[bytes, ...]:
    """Six pictures as PNG, 288 px wide: ramps, stripes, a board, discs, noise, and noise in patches."""
    y, x = np.mgrid[0:_SIDE, 0:_SIDE].astype(np.int64)
    noise = _noise(_SIDE * _SIDE * 3).reshape(_SIDE, _SIDE, 3)
    discs = ((x % 96 - 48) ** 2 + (y % 96 - 48) ** 2 < 1600) * 255
    patches = noise[::24, ::24].repeat(24, axis=0).repeat(24, axis=1)
    planes: Sequence[Sequence[NDArray[np.int64]]] = (
        (x * 255 // _SIDE, y * 255 // _SIDE, (x + y) * 255 // (2 * _SIDE)),
        (x // 12 % 2 * 255, (x + y) // 18 % 2 * 200, y // 9 % 2 * 120),
        ((x // 36 + y // 36) % 2 * 255,) * 3,
        (discs, 255 - discs, y * 255 // _SIDE),
        (noise[..., 0], noise[..., 1], noise[..., 2]),
        (patches[..., 0], patches[..., 1], patches[..., 2]),
    )
    return tuple(_png(np.stack(channels, axis=-1).astype(np.uint8)) for channels in planes)


@lru_cache(maxsize=1)
def sound() -> Samples:
    """Four seconds at 16 kHz, int16: silence, a rising square wave, noise, and noise in bursts."""
    second = SAMPLE_RATE_HZ
    time = np.arange(second, dtype=np.int64)
    rising = ((time * (100 + time // 40) // second) % 2) * 12_000 - 6_000
    noise = (_noise(second) - 128) * 60
    bursts = noise * (time // 1600 % 2)
    return np.concatenate((np.zeros(second, dtype=np.int64), rising, noise, bursts)).astype(np.int16)


def _noise(count: int) -> NDArray[np.int64]:
    """Integers in [0, 255] hashed from their places: no generator whose stream a release may change."""
    hashed = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    hashed ^= hashed >> np.uint64(29)
    hashed *= np.uint64(0xBF58476D1CE4E5B9)
    return (hashed >> np.uint64(56)).astype(np.int64)


def _png(pixels: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    return stream.getvalue()
