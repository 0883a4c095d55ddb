"""A lake in which everything is as it should be: 24 segments, made without a video, embedded by the real models."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from encoders.family import ModelSpec
from encoders.protocols import LoadedModel
from kernel.identity import fingerprint, segment_id_of
from lake.buckets import bucket_of
from lake.keyframes import keyframes_fingerprint
from lake.schema import CAPTIONS, DECODES, FILES, KEYFRAMES, SCREEN_TEXTS, SEGMENTS, TRANSCRIPTS, VIDEOS, TableSpec
from lake.store import Lake
from settings import Home
from stages.documents import write_documents
from stages.vectors import embed_segments
from tests.stages.small_lake import ChosenModels, scope_of

VIDEO_IDS = tuple(fingerprint([f"video {number}"]) for number in range(8))
SILENT = VIDEO_IDS[-1]
"""The one without a transcript."""
EACH_MS = 4000
SEGMENTS_EACH = 3
NOW = datetime(2026, 1, 1, tzinfo=UTC)

Vectors = NDArray[np.float32]


class WarmModels(ChosenModels):
    """Models that are loaded once for all lakes of this process, and may be made worse than they are."""

    _warm: dict[str, LoadedModel] = {}  # noqa: RUF012

    def __init__(self, home: Home, worse: Callable[[Vectors], Vectors] | None = None) -> None:
        super().__init__(Lake(home.lake, create=False), home)
        self._worse = worse

    def _open(self, spec: ModelSpec) -> LoadedModel:
        if spec.version not in self._warm:
            self._warm[spec.version] = super()._open(spec)
        self._loaded[spec.version] = self._warm[spec.version]
        self._counted[spec.version] = self._warm[spec.version].forward_passes
        return self._loaded[spec.version]

    def visual(self, spec: ModelSpec) -> Any:
        model = super().visual(spec)
        return model if self._worse is None else _Worse(model.embed_segments, self._worse)

    def text(self, spec: ModelSpec) -> Any:
        model = super().text(spec)
        return model if self._worse is None else _Worse(model.embed_documents, self._worse)


class _Worse:
    """A real model, and something that happens to its vectors."""

    def __init__(self, embed: Callable[[Any], Vectors], worse: Callable[[Vectors], Vectors]) -> None:
        def both(inputs: Any) -> Vectors:
            vectors = worse(np.stack(list(embed(inputs))))
            return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)

        self.embed_segments = self.embed_documents = both


def sound_home(folder: Path) -> Home:
    """A copy of one's own."""
    return Home(shutil.copytree(_made().folder, folder / "home"))


@cache
def _made() -> Home:
    folder = Path(tempfile.mkdtemp(prefix="reelindex-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    home = Home(folder / "home")
    lake = Lake(home.lake)
    for number, video_id in enumerate(VIDEO_IDS):
        _write_video(lake, number, video_id)
    models = WarmModels(home)
    write_documents(scope_of(home))
    fill(home, models)
    return home


def fill(home: Home, models: WarmModels) -> None:
    """Embeds what has no vector yet."""
    for space in ("visual", "text"):
        embed_segments(scope_of(home), models, space)


def _write_video(lake: Lake, number: int, video_id: str) -> None:
    shared = {"video_id": video_id, "bucket": bucket_of(video_id)}
    made = {**shared, "version": "made", "input_fp": "made", "output_fp": fingerprint([video_id])}
    place = {"uri": f"/films/{number}.mp4", "size_bytes": 9, "mtime_ns": 9, "missing": False, "seen_at": NOW}
    video = {"size_bytes": 9, "container": "mov", "video_codec": "h264", "audio_codec": "aac", "width": 64}
    video |= {"height": 48, "rotation": 0, "fps": 25.0, "promised_ms": 12000, "has_audio": True, "first_seen_at": NOW}
    decode = {"version": "made", "duration_ms": 12000, "frames": 300, "decode_errors": 0, "frames_damaged": 0}
    put(lake, FILES, [shared | place])
    put(lake, VIDEOS, [shared | video])
    put(lake, DECODES, [shared | decode | {"segments": SEGMENTS_EACH}])
    if video_id != SILENT:
        put(lake, TRANSCRIPTS, [made | {"language": "en", "words": words_of(number), "decode_errors": 0}])
    for position in range(SEGMENTS_EACH):
        start_ms = position * EACH_MS
        segment_id = segment_id_of(video_id, start_ms, start_ms + EACH_MS)
        segment = {"segment_id": segment_id, "start_ms": start_ms, "end_ms": start_ms + EACH_MS, "version": "made"}
        jpeg = cv2.imencode(".jpg", picture(SEGMENTS_EACH * number + position))[1].tobytes()
        keyframe = {"keyframe_id": f"{segment_id}-00", "segment_id": segment_id, "pts_ms": start_ms + 1000, "width": 64}
        keyframe |= {"height": 48, "digest": fingerprint([jpeg]), "jpeg": jpeg}
        put(lake, SEGMENTS, [shared | segment | {"keyframes_fp": keyframes_fingerprint([fingerprint([jpeg])])}])
        put(lake, KEYFRAMES, [shared | keyframe])
        caption = {"segment_id": segment_id, "text": f"picture {number} and {position}", "labels": []}
        put(lake, CAPTIONS, [made | caption])
        put(lake, SCREEN_TEXTS, [made | {"segment_id": segment_id, "text": ""}])


def words_of(number: int) -> list[dict[str, Any]]:
    """Thirty different words in ten seconds."""
    texts = [fingerprint([f"{number} {place}"])[: 3 + place % 6] for place in range(30)]
    return [
        {"start_ms": 300 * place, "end_ms": 300 * place + 250, "text": text, "probability": 0.9}
        for place, text in enumerate(texts)
    ]


def picture(number: int) -> NDArray[np.uint8]:
    """`(48, 64, 3)`: stripes, of another width, direction and colour for every number."""
    along = np.add(*np.indices((48, 64)) * np.array([number % 3, 1 + number % 2])[:, None, None])
    ends = np.random.default_rng(number).integers(0, 256, (2, 3), dtype=np.uint8)
    return np.asarray(ends[along // (2 + number) % 2], np.uint8)


def put(lake: Lake, table: TableSpec, rows: list[dict[str, Any]]) -> None:
    """Appends rows as they are, good or bad."""
    lake.snapshot(table.name).insert(pa.Table.from_pylist(rows, table.schema))
