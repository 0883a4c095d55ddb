"""The sensor over watched folders, on a real instance and a real lake."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from assets.resources import LakeResource
from kernel.progress import Silent
from lake.failures import Failures
from lake.store import Lake
from orchestration.instance import open_instance
from orchestration.interrupted import PROCESS_TAG, process_tags
from orchestration.jobs import all_buckets
from orchestration.sensors import new_files
from settings import Home
from stages.files import scan
from stages.scope import Scope

pytestmark = pytest.mark.xdist_group("ingested")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def instance(home: Home) -> Iterator[dg.DagsterInstance]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DAGSTER_HOME", "")
        with open_instance(home) as opened:
            yield opened


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "watched"
    folder.mkdir()
    (folder / "a.mp4").write_bytes(b"a")
    monkeypatch.setenv("REELINDEX_INGEST__WATCH", json.dumps([str(folder)]))
    return folder


def _tick(instance: dg.DagsterInstance, home: Home) -> dg.SensorResult | dg.SkipReason:
    lake = LakeResource(home=str(home.folder), max_attempts=3)
    context = dg.build_sensor_context(instance=instance, resources={"lake": lake})
    found = new_files(context)
    assert isinstance(found, dg.SensorResult | dg.SkipReason)
    return found


def _request(found: dg.SensorResult | dg.SkipReason) -> dg.RunRequest:
    assert isinstance(found, dg.SensorResult)
    (request,) = found.run_requests or ()
    return request


def _scan(home: Home, folder: Path) -> None:
    lake = Lake(home.lake)
    scan(Scope(lake, Failures(lake, max_attempts=3), progress=Silent()), [folder])


def _reason(found: dg.SensorResult | dg.SkipReason) -> str:
    assert isinstance(found, dg.SkipReason)
    return found.skip_message or ""


def test_without_a_watched_folder_it_says_what_to_set(
    instance: dg.DagsterInstance, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REELINDEX_INGEST__WATCH", "[]")
    assert "`ingest.watch`" in _reason(_tick(instance, home))


def test_a_new_file_asks_for_one_run_over_all_buckets(instance: dg.DagsterInstance, home: Home, watched: Path) -> None:
    request = _request(_tick(instance, home))
    assert request.run_config == {"ops": {"videos": {"config": {"paths": [str(watched)]}}}}
    assert all_buckets().items() <= request.tags.items()
    assert {request.tags[f"dagster/asset_partition_range_{end}"] for end in ("start", "end")} == {"0", "f"}


def test_the_key_names_the_changes(instance: dg.DagsterInstance, home: Home, watched: Path) -> None:
    first = _request(_tick(instance, home)).run_key
    assert first
    assert _request(_tick(instance, home)).run_key == first, "a tick that is repeated starts nothing twice"
    (watched / "b.mp4").write_bytes(b"b")
    second = _request(_tick(instance, home)).run_key
    os.utime(watched / "b.mp4", ns=(1, 1))
    third = _request(_tick(instance, home)).run_key
    assert len({first, second, third}) == 3


def test_nothing_new_is_no_run_and_a_file_that_goes_or_comes_back_is_one(
    instance: dg.DagsterInstance, home: Home, watched: Path, tmp_path: Path
) -> None:
    _scan(home, watched)
    assert _reason(_tick(instance, home)) == "1 files, none new or changed"
    (watched / "a.mp4").rename(tmp_path / "away")
    gone = _request(_tick(instance, home))
    _scan(home, watched)
    assert isinstance(_tick(instance, home), dg.SkipReason), "gone is told once"
    (tmp_path / "away").rename(watched / "a.mp4")
    assert _request(_tick(instance, home)).run_key != gone.run_key


def test_while_a_run_is_under_way_it_waits_and_a_killed_one_does_not_hold_it_up(
    instance: dg.DagsterInstance, home: Home, watched: Path
) -> None:
    alive = instance.add_run(dg.DagsterRun(job_name="ingest", tags=process_tags(), status=dg.DagsterRunStatus.STARTED))
    assert _reason(_tick(instance, home)) == "an ingest run is under way"
    instance.delete_run(alive.run_id)
    dead = dg.DagsterRun(
        job_name="ingest",
        tags={**process_tags(), PROCESS_TAG: str(2**22 + 1)},
        status=dg.DagsterRunStatus.STARTED,
    )
    instance.add_run(dead)
    assert isinstance(_tick(instance, home), dg.SensorResult)
