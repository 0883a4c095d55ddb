"""One way to break a lake for every requirement, so that nothing else that blocks is broken with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from kernel.identity import fingerprint, segment_id_of
from lake.schema import (
    CAPTIONS,
    DOCUMENTS,
    KEYFRAMES,
    SCREEN_TEXTS,
    SEGMENTS,
    TRANSCRIPTS,
    VIDEOS,
    TableSpec,
    vectors_table,
)
from lake.store import Lake, quote
from settings import Home
from stages.documents import document_text
from stages.vectors import table_of
from tests.quality.expectations.sound_lake import EACH_MS, SILENT, VIDEO_IDS, Vectors, WarmModels, fill, put

FIRST, MIDDLE, LAST = (segment_id_of(VIDEO_IDS[0], start, start + EACH_MS) for start in (0, EACH_MS, 2 * EACH_MS))
STRANGER = segment_id_of(VIDEO_IDS[0], 99_000, 100_000)
OF_SEGMENTS = (KEYFRAMES, SEGMENTS, CAPTIONS, SCREEN_TEXTS, DOCUMENTS)


@dataclass(frozen=True, slots=True)
class Broken:
    """A lake, and the models that it is examined with."""

    home: Home
    models: WarmModels

    @property
    def lake(self) -> Lake:
        return Lake(self.home.lake, create=False)

    def table(self, space: str) -> TableSpec:
        return table_of(self.models.spec(space), space)  # type: ignore[arg-type]


Break = Callable[[Broken], WarmModels | None]


def _one(lake: Lake, table: TableSpec, where: str) -> dict[str, Any]:
    row: dict[str, Any] = lake.read(table.name, table.schema.names, where).to_pylist()[0]
    return row


def _twice(table: TableSpec) -> Break:
    return lambda broken: put(broken.lake, table, [_one(broken.lake, table, "true")])


def _set(table: TableSpec, where: str, **values: Any) -> Break:
    return lambda broken: _update(broken, table.name, where, **values)


def _update(broken: Broken, table: str, where: str, **values: Any) -> None:
    broken.lake.table(table).update(where=where, values=values)


def _segment(segment_id: str) -> str:
    return f"segment_id = {quote(segment_id)}"


def _video(number: int = 0) -> str:
    return f"video_id = {quote(VIDEO_IDS[number])}"


def _copy_of_first(table: TableSpec, **values: Any) -> Break:
    return lambda broken: put(broken.lake, table, [_one(broken.lake, table, _segment(FIRST)) | values])


def _every_table(broken: Broken) -> list[str]:
    return [*(table.name for table in OF_SEGMENTS), *broken.lake.vectors_tables()]


def _forget_segment(segment_id: str) -> Break:
    def forget(broken: Broken) -> None:
        for table in _every_table(broken):
            broken.lake.delete(table, "segment_id", [segment_id])

    return forget


def _empty_segment(broken: Broken) -> None:
    """One between two others that begins where it ends, and shows what stood before."""
    name = segment_id_of(VIDEO_IDS[0], EACH_MS, EACH_MS)
    for table in OF_SEGMENTS:
        row = _one(broken.lake, table, _segment(FIRST)) | {"segment_id": name}
        times = {"start_ms": EACH_MS, "end_ms": EACH_MS, "keyframe_id": f"{name}-00"}
        put(broken.lake, table, [row | {key: value for key, value in times.items() if key in row}])


def _rename(broken: Broken, new: str) -> None:
    for table in _every_table(broken):
        _update(broken, table, _segment(LAST), segment_id=new)


def _lengthen(broken: Broken) -> None:
    _rename(broken, segment_id_of(VIDEO_IDS[0], 2 * EACH_MS, 90_000))
    for table in ("segments", "documents"):
        _update(broken, table, f"{_video()} AND start_ms = {2 * EACH_MS}", end_ms=90_000)
    _update(broken, "decodes", _video(), duration_ms=90_000)


def _words(change: Callable[[dict[str, Any], int], dict[str, Any]]) -> Break:
    def spoil(broken: Broken) -> None:
        row = _one(broken.lake, TRANSCRIPTS, _video())
        row["words"] = [word | change(word, place) for place, word in enumerate(row["words"])]
        broken.lake.upsert(TRANSCRIPTS, [row])

    return spoil


def _wordless(broken: Broken) -> None:
    nothing = fingerprint([document_text("", "", "")])
    _update(broken, "documents", "true", caption="", transcript="", screen="", output_fp=nothing)


def _vectors(space: str, change: Callable[[Vectors], Vectors], rows: int = 1) -> Break:
    """Puts other vectors in place of the first ones."""

    def spoil(broken: Broken) -> None:
        table = broken.table(space)
        old = broken.lake.snapshot(table.name).to_table(columns=table.schema.names)
        ids = old["segment_id"].to_pylist()[:rows]
        broken.lake.delete(table.name, "segment_id", ids)
        vectors = np.stack(old["vector"].slice(0, rows).to_numpy(zero_copy_only=False))
        made = np.ascontiguousarray(change(vectors), np.float32)
        values = pa.FixedSizeListArray.from_arrays(pa.array(made.reshape(-1)), made.shape[1])
        new = old.slice(0, rows).drop_columns(["vector"]).append_column("vector", values)
        broken.lake.snapshot(table.name).insert(new.select(table.schema.names).cast(table.schema))

    return spoil


def _other_width(space: str) -> Break:
    def refill(broken: Broken) -> None:
        right = broken.table(space)
        rows = broken.lake.snapshot(right.name).to_table(columns=right.schema.names)
        vectors = np.stack(rows["vector"].to_numpy(zero_copy_only=False))[:, 1:]
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        broken.lake.drop(right.name, aside="aside")
        wrong = vectors_table(space, broken.models.spec(space).version, vectors.shape[1])  # type: ignore[arg-type]
        broken.lake.create(wrong)
        values = pa.FixedSizeListArray.from_arrays(pa.array(np.ravel(vectors)), vectors.shape[1])
        table = rows.drop_columns(["vector"]).append_column("vector", values)
        broken.lake.snapshot(wrong.name).insert(table.select(wrong.schema.names).cast(wrong.schema))

    return refill


def _by_a_worse_model(worse: Callable[[Vectors], Vectors]) -> Break:
    """Fills the lake anew with a model that is broken itself."""

    def refill(broken: Broken) -> WarmModels:
        models = WarmModels(broken.home, worse)
        for table in broken.lake.vectors_tables():
            broken.lake.delete(table, "segment_id", broken.lake.read(table, ["segment_id"])["segment_id"].to_pylist())
        fill(broken.home, models)
        return models

    return refill


def _collapsed(vectors: Vectors) -> Vectors:
    return vectors / 30 + np.linspace(0.5, 1, vectors.shape[1], dtype=np.float32)


def _few_places(vectors: Vectors) -> Vectors:
    """Each at one of three places."""
    return np.eye(vectors.shape[1], dtype=np.float32)[np.abs(200 * vectors[:, 0]).astype(int) % 3] + np.float32(1e-3)


def _half(vectors: Vectors) -> Vectors:
    return np.concatenate([vectors[:, ::2], np.zeros_like(vectors[:, 1::2])], axis=1)


def _random(vectors: Vectors) -> Vectors:
    drawn = np.random.default_rng(0).normal(size=vectors.shape)
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), np.float32)


def _with_nan(vectors: Vectors) -> Vectors:
    vectors = vectors.copy()
    vectors[0, 0] = np.nan
    return vectors


def _of_space(space: str) -> dict[str, Break]:
    def stranger(broken: Broken) -> None:
        table = broken.table(space)
        put(broken.lake, table, [_one(broken.lake, table, "true") | {"segment_id": STRANGER}])

    def no_fingerprint(broken: Broken) -> None:
        first = _one(broken.lake, broken.table(space), "true")["segment_id"]
        _update(broken, broken.table(space).name, _segment(first), input_fp="")

    return {
        "one_row": lambda broken: _twice(broken.table(space))(broken),
        "width": _other_width(space),
        "unit_length": _vectors(space, lambda vectors: 2 * vectors),
        "finite": _vectors(space, _with_nan),
        "constant": _vectors(space, lambda vectors: np.full_like(vectors, vectors.shape[1] ** -0.5)),
        "input_fingerprint": no_fingerprint,
        "not_collapsed": _by_a_worse_model(_collapsed),
        "twins": _by_a_worse_model(_few_places),
        "dimensions": _by_a_worse_model(_half),
        "known_segment": stranger,
        "registered": lambda broken: broken.lake.delete(
            "model_versions",
            "version",
            [broken.models.spec(space).version],  # type: ignore[arg-type]
        ),
        "coverage": lambda broken: broken.lake.delete(broken.table(space).name, "segment_id", [FIRST]),
        "made_by_the_version": _vectors(space, _random, rows=24),
    }


BREAKERS: Mapping[str, Mapping[str, Break]] = {
    "videos": {
        "one_row": _twice(VIDEOS),
        "bucket": _set(VIDEOS, _video(), bucket="zz"),
        "picture_size": _set(VIDEOS, _video(), width=0),
        "place": lambda broken: _update(broken, "files", _video(), missing=True),
        "decoded": lambda broken: broken.lake.delete("decodes", "video_id", [VIDEO_IDS[0]]),
        "damage": lambda broken: _update(broken, "decodes", _video(), frames_damaged=30),
    },
    "segments": {
        "one_row": _twice(SEGMENTS),
        "known_video": lambda broken: broken.lake.delete("videos", "video_id", [SILENT]),
        "partition": _forget_segment(MIDDLE),
        "end": _forget_segment(LAST),
        "duration": _empty_segment,
        "name": lambda broken: _rename(broken, f"{LAST}0"),
        "pictures": lambda broken: broken.lake.delete("keyframes", "segment_id", [FIRST]),
        "pictures_inside": _set(KEYFRAMES, _segment(FIRST), pts_ms=9_999),
        "not_too_long": _lengthen,
    },
    "transcripts": {
        "one_row": _twice(TRANSCRIPTS),
        "known_video": lambda broken: put(
            broken.lake, TRANSCRIPTS, [_one(broken.lake, TRANSCRIPTS, "true") | {"video_id": "f" * 32}]
        ),
        "order": _words(lambda word, place: {"start_ms": 300 * (30 - place), "end_ms": 300 * (30 - place)}),
        "within": _words(lambda word, place: {"end_ms": 60_000} if place == 29 else {}),
        "language": lambda broken: _update(broken, "transcripts", _video(), language="Klingon"),
        "pace": _words(lambda word, place: {"start_ms": 10 * place, "end_ms": 10 * place}),
        "repetition": _words(lambda word, place: {"text": "thanks for watching"}),
        "confidence": _words(lambda word, place: {"probability": 0.1}),
    },
    "captions": {
        "one_row": _twice(CAPTIONS),
        "known_segment": _copy_of_first(CAPTIONS, segment_id=STRANGER),
        "repetition": _set(CAPTIONS, _segment(FIRST), text="a dog, a dog, a dog, a dog, a dog"),
        "empty": _set(CAPTIONS, "true", text=""),
        "variety": _set(CAPTIONS, "true", text="web site"),
    },
    "screen_texts": {
        "one_row": _twice(SCREEN_TEXTS),
        "known_segment": _copy_of_first(SCREEN_TEXTS, segment_id=STRANGER),
    },
    "documents": {
        "one_row": _twice(DOCUMENTS),
        "known_segment": _copy_of_first(DOCUMENTS, segment_id=STRANGER),
        "times": _set(DOCUMENTS, _segment(FIRST), start_ms=1),
        "fingerprint": _set(DOCUMENTS, _segment(FIRST), output_fp="0" * 32),
        "wordless": _wordless,
    },
    "visual_vectors": _of_space("visual"),
    "text_vectors": _of_space("text"),
}
