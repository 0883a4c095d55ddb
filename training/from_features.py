"""Pairs from features that were computed before: an `.npz` of arrays, no pictures and no videos needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from encoders.adapter import open_tower, resolve_tower
from encoders.conse import Conse
from encoders.family import Runtime
from encoders.protocols import Tower, Vectors
from training.errors import BadPairs
from training.pairs import SOURCES, SPLITS, TrainingSet, split_by_group
from training.sentences import embed_sentences

_KNOWN = ("features", "captions", "names", "split", "labels")
_REMEDY = (
    "It holds `features` (n, f), `captions` (n,) or (n, m), and, if you have them, `names`, `split` and `labels` (n,)."
)


def pairs_from_features(path: Path, tower: str, *, cache_dir: Path | None = None) -> TrainingSet:
    """The training set of an `.npz` file.

    Args:
        path: With the arrays `features`, floating `(n, f)`, as the tower makes them; `captions`, text `(n,)` or
            `(n, m)`, where an empty text is none; and where there are any `names`, `split` (train, val, test) and
            `labels` (the class of each picture, by which zero-shot classification is measured).
        tower: The reference of the model whose features they are.
        cache_dir: Where the vectors of the sentences are kept; None embeds them each time.

    Raises:
        BadPairs: It cannot be read, lacks an array, or the arrays do not fit together or to the tower.
        UnknownModel: No head can be trained on such a model.
        WeightsMissing: The tower's weights are not here.
    """
    arrays = _read(path)
    features = arrays["features"]
    spec = resolve_tower(tower)
    model = open_tower(spec, Runtime(cache_dir=cache_dir))
    captions = np.atleast_2d(arrays["captions"].T).T
    items, columns = np.nonzero(np.char.strip(captions) != "")
    texts = tuple(str(captions[item, column]).strip() for item, column in zip(items, columns, strict=True))
    if len(np.unique(items)) < len(features):
        bare = sorted(set(range(len(features))) - set(items.tolist()))
        raise BadPairs(f"{len(bare)} rows have no caption; the first is row {bare[0]}.", where=str(path))
    names = tuple(str(name) for name in arrays.get("names", np.arange(len(features))))
    split = _split(path, arrays["split"]) if "split" in arrays else split_by_group(names)
    return TrainingSet(
        tower=tower,
        tower_version=spec.version,
        features=features,
        vectors=_vectors(model, features, path),
        counts=np.ones(len(features), dtype=np.int64),
        sentences=embed_sentences(model, spec.query_spec.version, texts, cache_dir),
        item_of=items.astype(np.int64),
        source=np.full(len(texts), SOURCES.index("csv"), dtype=np.int8),
        split=split,
        texts=texts,
        groups=names,
        names=names,
        labels=tuple(str(label) for label in arrays.get("labels", np.full(len(features), ""))),
    )


def _read(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as content:
            arrays = {name: content[name] for name in _KNOWN if name in content}
    except (OSError, ValueError, BadZipFile) as error:
        raise BadPairs(f"it cannot be read: {error}.", where=str(path), remedy=_REMEDY) from error
    for name in ("features", "captions"):
        if name not in arrays:
            raise BadPairs(f"there is no array `{name}`.", where=str(path), remedy=_REMEDY)
    rows = {name: len(array) for name, array in arrays.items()}
    if len(set(rows.values())) > 1:
        raise BadPairs(f"the arrays have different lengths: {rows}.", where=str(path), remedy=_REMEDY)
    features, captions = arrays["features"], arrays["captions"]
    if features.ndim != 2 or not np.issubdtype(features.dtype, np.floating):
        raise BadPairs(f"`features` is {features.dtype} {features.shape}.", where=str(path), remedy=_REMEDY)
    if captions.ndim > 2 or not np.issubdtype(captions.dtype, np.str_):
        raise BadPairs(f"`captions` is {captions.dtype} {captions.shape}.", where=str(path), remedy=_REMEDY)
    broken = np.flatnonzero(~np.isfinite(features.astype(np.float32)).all(axis=1))
    if len(broken):
        raise BadPairs(
            f"{len(broken)} of {len(features)} rows of features hold values that are not numbers; "
            f"the first is row {broken[0]}.",
            where=str(path),
            remedy="Compute these features again, or leave the rows out.",
        )
    return arrays


def _split(path: Path, named: NDArray[Any]) -> NDArray[np.int8]:
    unknown = sorted(set(named.tolist()) - set(SPLITS))
    if unknown:
        raise BadPairs(f"`split` says {unknown[0]!r}.", where=str(path), remedy=f"There are: {', '.join(SPLITS)}.")
    return np.array([SPLITS.index(name) for name in named], dtype=np.int8)


def _vectors(model: Tower, features: NDArray[Any], path: Path) -> Vectors:
    """Where the tower itself places the pictures: from their features, for the pictures are not here."""
    rows = features.astype(np.float32)
    try:
        return model.place(rows) if isinstance(model, Conse) else rows / np.linalg.norm(rows, axis=1, keepdims=True)
    except (RuntimeError, ValueError) as error:
        raise BadPairs(
            f"features of {rows.shape[1]} values are not those of {model.spec.version}.",
            where=str(path),
            remedy="Name the tower that made them.",
        ) from error
