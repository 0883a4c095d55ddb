"""What a frozen tower sees in keyframes of the lake, written to maps as it is seen: memory holds one batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoders.adapter import open_tower, resolve_tower
from encoders.family import Runtime
from encoders.protocols import Tower
from kernel.progress import Progress
from lake.buckets import BucketRange
from lake.keyframes import read_keyframes
from lake.store import Lake
from training.errors import BadPairs
from training.pairs import SOURCES, TrainingSet, split_by_group
from training.sentences import embed_sentences

BATCH_ITEMS = 64


@dataclass(frozen=True, slots=True)
class Sentence:
    """Something said of an item.

    Attributes:
        text: The words.
        source: One of `SOURCES`.
    """

    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Item:
    """What sentences are about.

    Attributes:
        name: What people call it.
        group: Its video.
        segments: Whose keyframes show it.
        sentences: At least one.
        label: Its class, where a person gave it one.
    """

    name: str
    group: str
    segments: tuple[str, ...]
    sentences: tuple[Sentence, ...]
    label: str = ""


def gather(
    lake: Lake,
    items: Sequence[Item],
    tower: str,
    out: Path,
    *,
    cache_dir: Path | None,
    progress: Progress,
    most_pictures: int = 16,
) -> TrainingSet:
    """The training set of some items: their keyframes and sentences as the tower sees them.

    Args:
        lake: Where the keyframes are.
        items: Those without a keyframe are left out.
        tower: The reference of the frozen model.
        out: A folder that the arrays are written to.
        cache_dir: Where the sentences' vectors are kept.
        progress: Shows how many items have been seen.
        most_pictures: Of an item; of more, evenly spaced ones are taken.

    Raises:
        BadPairs: No item has a keyframe.
        UnknownModel, WeightsMissing: There is no such tower here.
    """
    spec = resolve_tower(tower)
    model = open_tower(spec, Runtime(cache_dir=cache_dir))
    kept, counts = _see(lake, items, model, out, progress, most_pictures)
    if not kept:
        raise BadPairs(
            "no keyframe in the lake belongs to any of the pairs.",
            where=str(lake.folder),
            remedy="Ingest videos first.",
        )
    said = [(number, sentence) for number, item in enumerate(kept) for sentence in item.sentences]
    texts = tuple(sentence.text for _, sentence in said)
    groups = tuple(item.group for item in kept)
    return TrainingSet(
        tower=tower,
        tower_version=spec.version,
        features=np.load(out / "features.npy", mmap_mode="r"),
        vectors=np.load(out / "vectors.npy", mmap_mode="r"),
        counts=counts,
        sentences=embed_sentences(model, spec.query_spec.version, texts, cache_dir),
        item_of=np.array([number for number, _ in said], dtype=np.int64),
        source=np.array([SOURCES.index(sentence.source) for _, sentence in said], dtype=np.int8),
        split=split_by_group(groups),
        texts=texts,
        groups=groups,
        names=tuple(item.name for item in kept),
        labels=tuple(item.label for item in kept),
    )


def _see(
    lake: Lake, items: Sequence[Item], tower: Tower, out: Path, progress: Progress, most_pictures: int
) -> tuple[list[Item], NDArray[np.int64]]:
    kept: list[Item] = []
    counts: list[int] = []
    with (
        _Rows(out / "features.npy") as features,
        _Rows(out / "vectors.npy") as vectors,
        progress.task("seeing keyframes", len(items), "items") as advance,
    ):
        for batch in _batched(_shown(lake, items, most_pictures), BATCH_ITEMS):
            pictures = [jpeg for _, jpegs in batch for jpeg in jpegs]
            if pictures:
                seen = tower.see(pictures)
                features.append(seen.features)
                vectors.append(seen.vectors)
            kept += [item for item, jpegs in batch if jpegs]
            counts += [len(jpegs) for _, jpegs in batch if jpegs]
            advance(len(batch))
    return kept, np.array(counts, dtype=np.int64)


def _shown(lake: Lake, items: Sequence[Item], most: int) -> Iterator[tuple[Item, list[bytes]]]:
    """Each item with its pictures, in the order of the items."""
    segments = [segment for item in items for segment in item.segments]
    read = (
        segment
        for batch in read_keyframes(lake, segments, BucketRange(), batch_segments=BATCH_ITEMS)
        for segment in batch
    )
    for item in items:
        yield item, _spaced([jpeg for segment in islice(read, len(item.segments)) for jpeg in segment.jpegs], most)


def _spaced(pictures: list[bytes], most: int) -> list[bytes]:
    if len(pictures) <= most:
        return pictures
    return [pictures[place] for place in np.linspace(0, len(pictures) - 1, most).round().astype(int)]


def _batched(shown: Iterable[tuple[Item, list[bytes]]], size: int) -> Iterator[list[tuple[Item, list[bytes]]]]:
    remaining = iter(shown)
    while batch := list(islice(remaining, size)):
        yield batch


class _Rows:
    """An `.npy` file of float16 rows that grows: its header is written when the number of rows is known."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._raw = path.with_suffix(".raw")
        self._width = 0
        self._count = 0

    def __enter__(self) -> _Rows:
        self._stream = self._raw.open("wb")
        return self

    def append(self, rows: NDArray[np.float32]) -> None:
        self._stream.write(np.ascontiguousarray(rows, dtype=np.float16).tobytes())
        self._width, self._count = rows.shape[1], self._count + len(rows)

    def __exit__(self, *error: object) -> None:
        self._stream.close()
        if error[0] is None and self._count:
            raw = np.memmap(self._raw, dtype=np.float16, mode="r", shape=(self._count, self._width))
            whole = np.lib.format.open_memmap(self._path, mode="w+", dtype=np.float16, shape=raw.shape)
            whole[:] = raw
            whole.flush()
        self._raw.unlink(missing_ok=True)
