"""Whole ingests through Dagster, in this process."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from encoders.registry import resolve
from kernel.progress import Silent
from lake.releases import Releases
from lake.schema import (
    DRIFT_REFERENCES,
    EVALUATIONS,
    FAILURES,
    FILES,
    RETRIEVAL_QUALITY,
    ROBUSTNESS,
    SCREEN_TEXTS,
    TABLES,
    TRAININGS,
    VIDEOS,
)
from lake.store import Lake
from media.errors import FileUnavailable
from orchestration import ingest as ingest_module
from orchestration.ingest import IngestOutcome, ingest
from settings import Home, Settings
from settings.model import ModelSettings
from tests.orchestration.command import eventful
from tests.stages.small_lake import ONE_CHILD, distinct_pictures, ingested

pytestmark = pytest.mark.xdist_group("ingested")

VISUAL, TEXT = resolve("visual", "conse").version, resolve("text", "minilm").version


def _no_run(*arguments: object) -> IngestOutcome:
    raise AssertionError("a run was started")


def test_the_first_run_fills_every_table_and_makes_a_release() -> None:
    lake, outcome = ingested().lake, ingested().outcome
    empty = {spec.name for spec in TABLES if lake.count(spec.name) == 0}
    unused = (FAILURES, EVALUATIONS, SCREEN_TEXTS, TRAININGS, DRIFT_REFERENCES, ROBUSTNESS, RETRIEVAL_QUALITY)
    assert empty == {spec.name for spec in unused}
    assert len(lake.vectors_tables()) == 2
    assert outcome.run_id
    assert (outcome.release_id, outcome.failures, outcome.unreadable, outcome.quarantined) == (1, [], (), 0)
    assert outcome.ignored == {".txt": 1}


def test_the_first_run_does_everything_once() -> None:
    document = ingested().outcome.to_dict()
    assert document["work"] == {
        "videos_decoded": 3,
        "frames_decoded": 180,
        "decode_errors": 0,
        "frames_damaged": 0,
        "videos_transcribed": 2,
        "sound_s": pytest.approx(3.0, abs=0.1),
        "segments_captioned": 6,
        "images_forwarded": distinct_pictures(ingested().lake),
        "documents": 6,
        "texts_forwarded": 5,
        "vectors": {VISUAL: 6, TEXT: 5},
    }
    (screen,) = (stage for stage in document["stages"] if stage["stage"] == "screen_texts")
    assert (screen["version"], screen["planned"]) == ("none", 0), "no reader unless the settings name one"
    for stage in (stage for stage in document["stages"] if stage is not screen):
        assert stage["planned"] == stage["new"] == stage["done"] > 0
        assert stage["skipped"] == stage["failed"] == stage["stale"] == stage["orphaned"] == 0


def test_a_second_run_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = ingested().copied_to(tmp_path / "home")
    monkeypatch.setattr(ingest_module, "_run", _no_run)
    monkeypatch.setattr("stages.models.load", _no_run)
    outcome = ingest([ingested().films], ONE_CHILD, home, Silent())
    assert outcome.run_id is None
    assert outcome.to_dict()["work"] == {"vectors": {}}
    assert sum(report["planned"] for report in outcome.reports) == 0
    assert outcome.release_id == 1
    assert outcome.ignored == {".txt": 1}, "what is passed over is told every time"


def test_what_happened_to_one_film_costs_that_film_alone() -> None:
    document = eventful().called.document
    assert document["work"] == {
        "videos_decoded": 1,
        "frames_decoded": 90,
        "decode_errors": 0,
        "frames_damaged": 0,
        "videos_transcribed": 1,
        "sound_s": pytest.approx(1.5, abs=0.1),
        "segments_captioned": 3,
        "images_forwarded": 3,  # by the captioner; the same network makes the vectors and remembers
        "documents": 3,
        "texts_forwarded": 3,
        "vectors": {VISUAL: 3, TEXT: 3},
    }
    done = {stage["stage"]: (stage["planned"], stage["done"], stage["failed"]) for stage in document["stages"]}
    assert done.pop("videos") == (2, 1, 1)
    assert {name: numbers[2] for name, numbers in done.items()} == dict.fromkeys(done, 0)
    assert document["release"] == 1
    lake = Lake(eventful().home.lake, create=False)
    assert lake.count(VIDEOS.name) == 4
    assert lake.count(FILES.name, "missing") == 0, "the first folder was not looked at"
    assert [release.release_id for release in Releases(lake).all()] == [1]


def test_the_next_run_does_not_try_a_broken_film_again_and_still_names_what_it_cannot_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    films, home = eventful().films, eventful().home
    monkeypatch.setattr(ingest_module, "_run", _no_run)
    outcome = ingest([films], ONE_CHILD, home, Silent())
    assert outcome.run_id is None
    assert outcome.quarantined == 1
    (unreadable,) = outcome.unreadable
    assert "dead link.mp4" in unreadable


def test_a_path_that_is_not_there_is_an_error_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(FileUnavailable, match="nowhere"):
        ingest([tmp_path / "nowhere"], ONE_CHILD, Home(tmp_path / "home"), Silent())
    assert not (tmp_path / "home").exists()


def test_a_model_that_there_is_not_is_an_error_before_anything_is_made(tmp_path: Path) -> None:
    shutil.copy2(ingested().films / "a.mp4", tmp_path / "a.mp4")
    settings = Settings(models=ModelSettings(captioner="nobody"))
    with pytest.raises(Exception, match="nobody: no captioner model has this name"):
        ingest([tmp_path], settings, Home(tmp_path / "home"), Silent())
    assert not (tmp_path / "home").exists()
