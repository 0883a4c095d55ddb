"""What the assets are given: the lake, the processes that open videos, the models, and a place to show progress."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import dagster as dg
from pydantic import PrivateAttr

from kernel.progress import Advance, Progress
from lake.buckets import BucketRange
from lake.failures import Failures
from lake.store import Lake
from settings import Home

if TYPE_CHECKING:
    from encoders.family import Role
    from media.spec import SegmenterSpec
    from media.workers import MediaWorkers
    from quality.policy import PromotionPolicy
    from retrieval.words import Language
    from stages.models import Models
    from stages.scope import Scope
    from training.folder import TrainingFolder
    from training.gather import PairSource
    from training.recipe import Recipe

LOG_EVERY_S = 10.0
LOOPBACK = "127.0.0.1"


class LakeResource(dg.ConfigurableResource[Lake]):
    """The tables and the folders beside them."""

    home: str
    max_attempts: int
    _lake: Lake | None = PrivateAttr(default=None)

    @property
    def folders(self) -> Home:
        """Where everything that reelindex writes lives."""
        return Home(Path(self.home))

    def open(self) -> Lake:
        """The lake, opened once a run."""
        if self._lake is None:
            self._lake = Lake(self.folders.lake)
        return self._lake

    def scope(
        self, partition_keys: Sequence[str] | None, progress: Progress, tags: Mapping[str, str] | None = None
    ) -> Scope:
        """The part of the lake that some partitions name, all of it for None; and what the run's tags allow in it."""
        from assets.run_tags import allowance_of, reach_of
        from stages.scope import Scope

        lake = self.open()
        buckets = BucketRange() if partition_keys is None else BucketRange.of_partitions(list(partition_keys))
        failures = Failures(lake, max_attempts=self.max_attempts)
        return Scope(lake, failures, buckets, progress, reach_of(tags or {}), allowance_of(tags or {}))


class MediaResource(dg.ConfigurableResource["MediaWorkers"]):
    """The folders that are watched, the child processes that open video files, and how videos are cut."""

    watch: list[str]
    workers: int | None
    stall_timeout_s: float
    memory_limit_mb: int
    adaptive_threshold: float
    min_scene_len_s: float
    max_segment_s: float

    def start(self) -> MediaWorkers:
        """The processes, as a context manager that ends them."""
        from media.limits import DecodeLimits
        from media.workers import MediaWorkers

        limits = DecodeLimits(stall_timeout_s=self.stall_timeout_s, memory_bytes=self.memory_limit_mb * 2**20)
        return MediaWorkers(self.workers, limits)

    def segmenter(self) -> SegmenterSpec:
        """What decides the segments."""
        from media.spec import SegmenterSpec

        return SegmenterSpec(
            adaptive_threshold=self.adaptive_threshold,
            min_scene_len_s=self.min_scene_len_s,
            max_segment_s=self.max_segment_s,
        )


class ModelsResource(dg.ConfigurableResource["Models"]):
    """Which model fills each role. A model is loaded once a run, when the first stage needs it."""

    visual: str
    text: str
    transcriber: str
    captioner: str
    reader: str = ""
    _models: Models | None = PrivateAttr(default=None)

    def open(self, lake: LakeResource) -> Models:
        """The models of a lake."""
        from stages.models import Models

        if self._models is None:
            references: dict[Role, str] = {
                "visual": self.visual,
                "text": self.text,
                "transcriber": self.transcriber,
                "captioner": self.captioner,
            }
            if self.reader:
                references["reader"] = self.reader
            self._models = Models(lake.open(), references, cache_dir=lake.folders.caches)
        return self._models


class PromotionResource(dg.ConfigurableResource["PromotionPolicy"]):
    """What a candidate must meet, and the weights of the legs in a release that is made."""

    automatic: bool
    evaluation: str
    max_quality_loss: float
    max_quarantined_share: float
    min_index_recall: float
    min_robustness: float
    keep_retired: int
    fusion: dict[str, float]

    def policy(self) -> PromotionPolicy:
        """The thresholds of the gates, and what follows when they are passed."""
        from quality.policy import PromotionPolicy

        chosen = self.model_dump(exclude={"fusion", "evaluation"})
        return PromotionPolicy(evaluation=Path(self.evaluation) if self.evaluation else None, **chosen)


class WordsResource(dg.ConfigurableResource["Language"]):
    """The language that words are indexed in."""

    language: str

    def chosen(self) -> Language:
        """As the index takes it."""
        from retrieval.words import Language

        return Language(self.language)


class ReportsResource(dg.ConfigurableResource[Path]):
    """Pages that are too large for a materialisation: where they are written, and where `reelindex ui` shows them."""

    port: int

    def folder_of(self, lake: LakeResource, name: str) -> Path:
        """Where the pages of one kind are."""
        return lake.folders.reports / name

    def url(self, page: str) -> str:
        """The address of a page, relative to the folder of all reports, while `reelindex ui` runs."""
        return f"http://{LOOPBACK}:{self.port}/{quote(page)}"


class LoggedProgress:
    """Progress as lines in the run's log, one every ten seconds at most."""

    def __init__(self) -> None:
        self._log = logging.getLogger("reelindex")

    @contextmanager
    def task(self, name: str, total: float, unit: str) -> Iterator[Advance]:
        """Logs how far the task is, and its rate."""
        began = last = time.monotonic()
        done = 0.0

        def advance(amount: float) -> None:
            nonlocal done, last
            done += amount
            now = time.monotonic()
            if now - last >= LOG_EVERY_S:
                last = now
                self._log.info("%s: %.0f of %.0f %s, %.1f %s/s", name, done, total, unit, done / (now - began), unit)

        yield advance


class TrainingResource(dg.ConfigurableResource["TrainingFolder"]):
    """What heads are trained from, and how."""

    name: str
    tower: str
    pairs: str = ""
    teacher: str = ""
    recipe_json: str = "{}"

    def source(self) -> PairSource:
        """Where the pairs come from."""
        from training.gather import PairSource

        return PairSource(self.tower, Path(self.pairs) if self.pairs else None)

    def recipe(self) -> Recipe:
        """How a head is trained.

        Raises:
            BadRecipe: A key of it is unknown or has a wrong value.
        """
        from training.recipe import read_recipe

        return read_recipe(json.loads(self.recipe_json))

    def folder(self, lake: LakeResource) -> TrainingFolder:
        """What is kept on disk."""
        from training.folder import TrainingFolder

        return TrainingFolder(lake.folders.training)
