"""The vectors of the class sentences, kept on disk: a thousand texts are too many to embed at each start."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np

from encoders.protocols import Vectors
from kernel.identity import fingerprint


def cached_vectors(
    cache_dir: Path | None,
    encoder_version: str,
    sentences: Sequence[str],
    dim: int,
    embed: Callable[[Sequence[str]], Vectors],
) -> Vectors:
    """`embed(sentences)`, float32 `(len(sentences), dim)`, from the cache where it holds them.

    The file's name derives from the encoder's version and the sentences, and its content starts with a digest of the
    rest: a file that is damaged or cut short is made again. It appears under its name only when it is complete.
    """
    if cache_dir is None:
        return embed(sentences)
    path = cache_dir / f"class-sentences-{fingerprint([encoder_version, *sentences])}.f32"
    shape = (len(sentences), dim)
    stored = _read(path, shape)
    if stored is not None:
        return stored
    vectors = np.ascontiguousarray(embed(sentences), dtype="<f4")
    _write(path, vectors.tobytes())
    return vectors


def _read(path: Path, shape: tuple[int, int]) -> Vectors | None:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    digest, payload = content[:32], content[32:]
    if sha256(payload).digest() != digest or len(payload) != 4 * shape[0] * shape[1]:
        return None
    return np.frombuffer(payload, dtype="<f4").reshape(shape)


def _write(path: Path, payload: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(sha256(payload).digest() + payload)
        Path(unfinished).replace(path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
