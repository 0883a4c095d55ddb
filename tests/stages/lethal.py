"""Models that take their process with them, and processes to run them in.

The processes are forked from a server that has imported everything and opened nothing: they start in a moment.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Collection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, cast

from encoders.family import ModelSpec
from encoders.protocols import Captioner, Keyframes, VisualEncoder
from encoders.registry import resolve
from lake.store import Lake
from settings import Home
from stages.captions import caption_segments
from stages.under_way import UnderWay
from stages.vectors import embed_segments
from tests.stages.small_lake import ChosenModels, scope_of

WORDED = resolve("captioner", "imagenet_labels").model_copy(update={"min_score": 0.26})
PLACED = resolve("visual", "conse").model_copy(update={"top_k": 5})
STAGES: dict[str, ModelSpec] = {"captions": WORDED, "visual_vectors": PLACED}
"""Stages that a model of another version is to fill, each with that version."""


class Lethal:
    """A model that notes how many segments each call brings, and dies of some pictures."""

    def __init__(self, model: Any, deadly: Collection[bytes], calls: Path) -> None:
        self._model = model
        self._deadly = set(deadly)
        self._calls = calls

    def caption_segments(self, keyframes: Keyframes) -> Any:
        self._see(keyframes)
        return self._model.caption_segments(keyframes)

    def embed_segments(self, keyframes: Keyframes) -> Any:
        self._see(keyframes)
        return self._model.embed_segments(keyframes)

    def _see(self, keyframes: Keyframes) -> None:
        with self._calls.open("a") as stream:
            stream.write(f"{len(keyframes)}\n")
        if self._deadly & {picture for pictures in keyframes for picture in pictures}:
            os.kill(os.getpid(), signal.SIGKILL)


class WithLethal(ChosenModels):
    def __init__(self, home: Home, deadly: Collection[bytes], calls: Path) -> None:
        super().__init__(Lake(home.lake, create=False), home, {"captioner": WORDED, "visual": PLACED})
        self._lethal: Callable[[Any], Any] = lambda model: Lethal(model, deadly, calls)

    def visual(self, spec: ModelSpec) -> VisualEncoder:
        return cast(VisualEncoder, self._lethal(super().visual(spec)))

    def captioner(self) -> Captioner:
        return cast(Captioner, self._lethal(super().captioner()))


def run_stage(home: Home, stage: str, deadly: Collection[bytes], calls: Path) -> None:
    """One run of a stage over all that it lacks."""
    models = WithLethal(home, deadly, calls)
    if stage == "captions":
        caption_segments(scope_of(home), models)
    else:
        embed_segments(scope_of(home), models, "visual")


def hold_batch(lake: Path, stage: str, begun: Any, end: Any) -> None:
    """Has a batch under way until it is told to end."""
    with UnderWay(Lake(lake, create=False), stage, "v1").batch(["one", "two"]):
        begun.set()
        end.wait(60)


def start(job: Callable[..., None], *arguments: object) -> BaseProcess:
    """A process of its own that does one of these."""
    process = _forks().Process(target=job, args=arguments)
    process.start()
    return process


def event() -> Any:
    """Something that this process and a started one can tell each other."""
    return _forks().Event()


def _forks() -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.orchestration.warm_ingest"])
    return context
