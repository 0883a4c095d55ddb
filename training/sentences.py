"""Sentences as a frozen tower places them, computed once for each set of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from encoders.protocols import QueryEncoder, Vectors
from kernel.identity import fingerprint

_CHUNK = 4096


def embed_sentences(tower: QueryEncoder, version: str, texts: Sequence[str], cache_dir: Path | None) -> Vectors:
    """The tower's unit vectors of sentences, float32 `(s, d)`.

    Args:
        tower: A loaded model of sentences.
        version: Of the model that embeds its queries.
        texts: None of them blank.
        cache_dir: Where they are kept, under a name that says what they are of; None keeps nothing.
    """
    if cache_dir is None:
        return _embed(tower, texts)
    path = cache_dir / "sentences" / f"{fingerprint([version, *texts])}.npy"
    if path.is_file():
        kept: Vectors = np.load(path, allow_pickle=False)
        return kept
    vectors = _embed(tower, texts)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}.npy")
    np.save(unfinished, vectors, allow_pickle=False)
    unfinished.replace(path)
    return vectors


def _embed(tower: QueryEncoder, texts: Sequence[str]) -> Vectors:
    # Each different sentence once: captions repeat.
    different = list(dict.fromkeys(texts))
    parts = [tower.embed_queries(different[start : start + _CHUNK]) for start in range(0, len(different), _CHUNK)]
    place = {text: number for number, text in enumerate(different)}
    vectors: Vectors = np.concatenate(parts)[[place[text] for text in texts]]
    return vectors
