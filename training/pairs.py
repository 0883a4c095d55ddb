"""Pictures and the sentences that go with them, as a frozen tower sees both: all that a head learns from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from encoders.protocols import Vectors
from kernel.identity import fingerprint
from training.errors import BadPairs

Split: TypeAlias = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)
SOURCES = ("caption", "transcript", "csv")
MIN_PAIRS = 64
MIN_SENTENCES = 8
_ARRAYS = ("features", "vectors", "counts", "sentences", "item_of", "source", "split")
_TEXTS = ("texts", "groups", "names", "labels")


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Items, each a segment (or a single picture) with at least one sentence.

    Attributes:
        tower: The reference of the frozen model, as the settings would name it.
        tower_version: Its version.
        features: Of every picture, floating `(p, f)`; the pictures of an item lie together, in the items' order.
        vectors: The tower's own unit vectors of the pictures, floating `(p, d)`.
        counts: Pictures of each item, int64 `(n,)`, each at least 1.
        sentences: The tower's unit vectors of the sentences, floating `(s, d)`.
        item_of: The item that a sentence is about, int64 `(s,)`.
        source: Where a sentence comes from, as an index into `SOURCES`, int8 `(s,)`.
        split: Of every item, as an index into `SPLITS`, int8 `(n,)`; the items of a group are never divided.
        texts: The sentences' words, s of them.
        groups: What an item was cut from (its video), n of them.
        names: What people call the item, n of them.
        labels: The class of an item, where a person gave it one, else empty; n of them. Nothing learns from it.
    """

    tower: str
    tower_version: str
    features: NDArray[Any]
    vectors: NDArray[Any]
    counts: NDArray[np.int64]
    sentences: NDArray[Any]
    item_of: NDArray[np.int64]
    source: NDArray[np.int8]
    split: NDArray[np.int8]
    texts: tuple[str, ...]
    groups: tuple[str, ...]
    names: tuple[str, ...]
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def starts(self) -> NDArray[np.int64]:
        """The first picture of each item, int64 `(n,)`."""
        return np.concatenate(([0], np.cumsum(self.counts)[:-1])).astype(np.int64)

    def items(self, split: Split) -> NDArray[np.int64]:
        """The items of a split, ascending."""
        return np.flatnonzero(self.split == SPLITS.index(split)).astype(np.int64)

    def sentences_of(self, items: NDArray[np.int64]) -> NDArray[np.int64]:
        """The sentences about any of the items, ascending."""
        chosen = np.zeros(len(self), dtype=bool)
        chosen[items] = True
        return np.flatnonzero(chosen[self.item_of]).astype(np.int64)

    def pooled_vectors(self) -> Vectors:
        """The tower's own vector of each item: the mean over its pictures, at unit length, float32 `(n, d)`."""
        sums = np.add.reduceat(np.asarray(self.vectors, dtype=np.float32), self.starts, axis=0)
        unit: Vectors = sums / np.linalg.norm(sums, axis=1, keepdims=True)
        return unit

    def fingerprint(self) -> str:
        """Of all that a head could learn from it: 32 hex digits."""
        arrays = (np.ascontiguousarray(getattr(self, name)) for name in _ARRAYS)
        parts: list[str | bytes] = [self.tower_version, *self.texts, *self.groups]
        parts += [part for array in arrays for part in (str(array.dtype), str(array.shape), array.tobytes())]
        return fingerprint(parts)

    def counted(self) -> dict[str, int]:
        """Items by split, sentences by source, and pictures."""
        items = {f"{split}_items": len(self.items(split)) for split in SPLITS}
        numbers = np.bincount(self.source, minlength=len(SOURCES)).tolist()
        sentences = {f"{source}_sentences": number for source, number in zip(SOURCES, numbers, strict=True)}
        return items | sentences | {"pictures": len(self.features)}

    def with_split(self, split: NDArray[np.int8]) -> TrainingSet:
        """The same pairs divided otherwise."""
        return replace(self, split=split)

    def check(self) -> None:
        """Pass if a head can be trained on it.

        Raises:
            BadPairs: Values that are not finite, too few pairs, sentences that are all alike, pictures that are all
                alike, or a split without items.
        """
        for name in ("features", "vectors", "sentences"):
            rows = getattr(self, name)
            broken = np.flatnonzero(~np.isfinite(np.asarray(rows, dtype=np.float32)).all(axis=1))
            if len(broken):
                raise BadPairs(
                    f"{len(broken)} of {len(rows)} rows of {name} hold values that are not numbers; "
                    f"the first is row {broken[0]}.",
                    remedy="Compute these features again, or leave the rows out.",
                )
        train = self.sentences_of(self.items("train"))
        if len(train) < MIN_PAIRS:
            raise BadPairs(
                f"there are {len(train)} pairs to train on, and a head needs at least {MIN_PAIRS}.",
                remedy="Ingest more captioned videos, or name a CSV file of pairs.",
            )
        kinds = len({self.texts[number].strip().casefold() for number in train})
        if kinds < MIN_SENTENCES:
            raise BadPairs(
                f"the {len(train)} training sentences are only {kinds} different ones: nothing tells pictures apart.",
                remedy="Use captions that describe each picture; class names alone do not do.",
            )
        if len(np.unique(np.asarray(self.features[: max(MIN_PAIRS, 1024)], dtype=np.float32), axis=0)) < 2:
            raise BadPairs("the features of all pictures are the same.", remedy="Compute them again.")
        for split in SPLITS:
            if not len(self.items(split)):
                raise BadPairs(
                    f"the split '{split}' is empty.", remedy="More videos are needed: none is divided between splits."
                )


def save_training_set(pairs: TrainingSet, folder: Path) -> None:
    """Write it as plain arrays, so that it can be opened without being read into memory.

    An array that is a map of its own file there already is left as it is.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in _ARRAYS:
        array = getattr(pairs, name)
        if getattr(array, "filename", None) != str(folder / f"{name}.npy"):
            np.save(folder / f"{name}.npy", array, allow_pickle=False)
    about = {"tower": pairs.tower, "tower_version": pairs.tower_version}
    words = {name: getattr(pairs, name) for name in _TEXTS}
    # Written last: where it is, all the arrays are.
    (folder / "about.json").write_text(json.dumps(about | words, ensure_ascii=False), encoding="utf-8")


def open_training_set(folder: Path) -> TrainingSet:
    """The inverse of `save_training_set`: the arrays are mapped, not read.

    Raises:
        BadPairs: The folder does not hold a whole one.
    """
    try:
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _ARRAYS}
        return TrainingSet(**arrays, **(about | {name: tuple(about[name]) for name in _TEXTS}))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadPairs(
            f"this is not a whole training set: {error}.", where=str(folder), remedy="Gather the pairs again."
        ) from error


def split_by_group(groups: Sequence[str], *, val_share: float = 0.1, test_share: float = 0.1) -> NDArray[np.int8]:
    """A split of items that keeps every group whole: int8 `(n,)`, indexes into `SPLITS`.

    A group's place depends on its own name alone: a corpus that grows never moves a video from test to train.
    """
    places = {}
    for group in set(groups):
        place = int(fingerprint(["split", group])[:8], 16) / 2**32
        places[group] = 2 if place < test_share else 1 if place < test_share + val_share else 0
    return np.fromiter((places[group] for group in groups), dtype=np.int8, count=len(groups))
