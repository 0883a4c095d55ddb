"""The small real lake with a release, and beside it a candidate of the visual space that has every vector."""

from __future__ import annotations

import atexit
import csv
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from encoders.family import ModelSpec
from encoders.registry import resolve
from lake.store import Lake
from quality.policy import PromotionPolicy
from quality.promotion import ReleaseDecision, decide_release
from settings import Home
from stages.vectors import table_of
from tests.stages.small_lake import ChosenModels, ingested, run_stages, scope_of

BY_PICTURES = {"k": 10.0, "caption": 0.0, "transcript": 0.0, "visual": 1.0, "text": 0.0}
"""A fusion in which nothing but the candidate's space decides."""

KNOWN = {
    "b.mp4": (
        "a window screen",
        "a grid",
        "a door mat",
        "a net of wire",
        "a prayer rug",
        "a shower curtain",
        "a zebra",
    ),
    "a.mp4": ("a spiral", "rings", "a coil", "a maze", "circles", "a whirlpool", "a target"),
    "c.mp4": ("red", "blue", "a plain colour", "a flag", "the sky", "a curtain", "nothing"),
}
"""Queries by the film that they should find; whether it is found is up to the models."""


def candidate_spec() -> ModelSpec:
    """The installed visual model with another number of classes: a version of its own that costs no weights."""
    return resolve("visual", "conse").model_copy(update={"top_k": 5})


def live_spec() -> ModelSpec:
    return resolve("visual", "conse")


@cache
def _filled() -> Home:
    folder = Path(tempfile.mkdtemp(prefix="reelindex-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    home = ingested().copied_to(folder / "home")
    run_stages(home, models=ChosenModels(Lake(home.lake, create=False), home, {"visual": candidate_spec()}))
    return home


@dataclass(frozen=True, slots=True)
class Candidacy:
    """A home of one's own with the candidate, and what it is judged by."""

    home: Home
    policy: PromotionPolicy

    @property
    def lake(self) -> Lake:
        return Lake(self.home.lake, create=False)

    @property
    def table(self) -> str:
        """The candidate's vectors."""
        return table_of(candidate_spec(), "visual").name

    def models(self, visual: ModelSpec | None = None) -> ChosenModels:
        return ChosenModels(self.lake, self.home, {"visual": visual or candidate_spec()})

    def decide(
        self, policy: PromotionPolicy | None = None, fusion: Mapping[str, float] = BY_PICTURES
    ) -> ReleaseDecision:
        return decide_release(
            scope_of(self.home), self.models(), fusion, policy or self.policy, cache_dir=self.home.caches
        )


def candidacy(folder: Path) -> Candidacy:
    """A copy of the filled home, with 21 known queries, that the candidate answers a little better."""
    home = Home(shutil.copytree(_filled().folder, folder / "home"))
    return Candidacy(home, PromotionPolicy(evaluation=known_queries(folder)))


def known_queries(folder: Path) -> Path:
    """The file of `KNOWN`, whose paths lead to the films from where it is."""
    films = ingested().films
    rows = [(query, films / film) for film, queries in KNOWN.items() for query in queries]
    return write_queries(folder / "queries.csv", rows)


def write_queries(path: Path, rows: list[tuple[str, Path]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        written = csv.writer(stream)
        written.writerow(["query", "video_path"])
        written.writerows((query, str(video)) for query, video in rows)
    return path
