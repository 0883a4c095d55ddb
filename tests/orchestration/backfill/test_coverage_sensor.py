"""The coverage sensor on a real instance and copies of a real lake: what it asks for, and why it does not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets.resources import LakeResource
from assets.run_tags import DONE_TAG, MAX_SEGMENTS, REACH
from encoders.registry import resolve
from lake.releases import Releases
from lake.store import Lake
from orchestration.backfill.requests import CHUNK_TAG, NIGHT_TAG, STATE_TAG
from orchestration.backfill.sensor import coverage
from orchestration.instance import open_instance
from orchestration.jobs import BACKFILL, INGEST, PROMOTION
from settings import Home
from stages.vectors import embed_segments
from tests.stages.small_lake import ChosenModels, ingested, scope_of

pytestmark = pytest.mark.xdist_group("ingested")

CANDIDATE = "conse:efficientnet-lite0"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return ingested().copied_to(tmp_path / "home")


@pytest.fixture
def instance(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_HOME", "")
    with open_instance(home) as opened:
        yield opened


@pytest.fixture
def changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line `visual` names another model than the one that is live."""
    monkeypatch.setenv("REELINDEX_MODELS__VISUAL", CANDIDATE)


def _tick(
    instance: dg.DagsterInstance, home: Home, cursor: str | None = None
) -> tuple[dg.RunRequest | str, str | None]:
    """The one run that is asked for, or the reason why none is; and the cursor afterwards."""
    context: Any = dg.build_sensor_context(
        instance=instance,
        cursor=cursor,
        resources={"lake": LakeResource(home=str(home.folder), max_attempts=3)},
    )
    found = coverage(context)
    if isinstance(found, dg.SkipReason):
        return found.skip_message or "", context.cursor
    assert isinstance(found, dg.SensorResult)
    (request,) = found.run_requests or ()
    return request, context.cursor


def _asked(instance: dg.DagsterInstance, home: Home) -> dg.RunRequest:
    request, _ = _tick(instance, home)
    assert isinstance(request, dg.RunRequest), request
    return request


def _reason(instance: dg.DagsterInstance, home: Home) -> str:
    reason, _ = _tick(instance, home)
    assert isinstance(reason, str)
    return reason


def _run(instance: dg.DagsterInstance, job: str, status: dg.DagsterRunStatus, tags: dict[str, str]) -> None:
    instance.add_run(dg.DagsterRun(job_name=job, status=status, tags=tags))


def _fill(home: Home) -> str:
    """Gives the candidate every vector; returns its version."""
    spec = resolve("visual", CANDIDATE)
    models = ChosenModels(Lake(home.lake, create=False), home, {"visual": spec})
    embed_segments(scope_of(home), models, "visual")
    return spec.version


def test_before_the_first_release_it_waits_for_the_ingest(
    instance: dg.DagsterInstance, home: Home, changed: None
) -> None:
    Lake(home.lake, create=False).table("releases").delete("true")
    assert "the first ingest makes it" in _reason(instance, home)


def test_where_nothing_is_missing_the_next_tick_does_not_even_plan(
    instance: dg.DagsterInstance, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason, cursor = _tick(instance, home)
    assert reason == "nothing is missing"
    assert cursor

    def planned(*_: object) -> None:
        raise AssertionError("it planned")

    monkeypatch.setattr("orchestration.backfill.standing.read_standing", planned)
    assert _tick(instance, home, cursor)[0] == "nothing is missing, and nothing has changed since"


def test_a_changed_model_is_noticed_without_a_restart_and_asked_for_once(
    instance: dg.DagsterInstance, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, cursor = _tick(instance, home)
    monkeypatch.setenv("REELINDEX_MODELS__VISUAL", CANDIDATE)
    monkeypatch.setenv("REELINDEX_BACKFILL__CHUNK_SEGMENTS", "4")
    request, _ = _tick(instance, home, cursor)
    assert isinstance(request, dg.RunRequest)
    assert request.job_name == BACKFILL
    assert request.asset_selection == [dg.AssetKey("visual_vectors")]
    assert (request.tags[REACH], request.tags[MAX_SEGMENTS]) == ("everything", "4")
    assert _asked(instance, home).run_key == request.run_key, "the same work has the same key"


@pytest.mark.parametrize("job", [BACKFILL, INGEST])
def test_a_run_under_way_goes_first(instance: dg.DagsterInstance, home: Home, changed: None, job: str) -> None:
    _run(instance, job, dg.DagsterRunStatus.STARTED, {})
    assert "under way" in _reason(instance, home)


def test_outside_the_window_and_beyond_the_budget_it_waits(
    instance: dg.DagsterInstance, home: Home, changed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now()
    later = "-".join(f"{now + timedelta(hours=hours):%H:%M}" for hours in (2, 3))
    monkeypatch.setenv("REELINDEX_BACKFILL__WINDOW", later)
    assert f"outside the window {later}" in _reason(instance, home)
    monkeypatch.setenv("REELINDEX_BACKFILL__WINDOW", "")
    monkeypatch.setenv("REELINDEX_BACKFILL__MAX_SEGMENTS_PER_NIGHT", "5")
    assert _asked(instance, home).tags[MAX_SEGMENTS] == "5"
    tonight = {NIGHT_TAG: now.date().isoformat(), DONE_TAG: "5"}
    _run(instance, BACKFILL, dg.DagsterRunStatus.SUCCESS, tonight)
    assert "5 segments are used up" in _reason(instance, home)


def test_work_that_three_runs_got_nowhere_with_is_for_a_person(
    instance: dg.DagsterInstance, home: Home, changed: None
) -> None:
    keys = []
    for _ in range(3):
        request = _asked(instance, home)
        keys.append(request.run_key)
        _run(instance, BACKFILL, dg.DagsterRunStatus.FAILURE, {CHUNK_TAG: request.tags[CHUNK_TAG]})
    assert len(set(keys)) == 3, "a run that failed is asked for again, under another key"
    assert "`reelindex backfill` tries once more" in _reason(instance, home)


def test_switched_off_it_only_tells(
    instance: dg.DagsterInstance, home: Home, changed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REELINDEX_BACKFILL__AUTOMATIC", "false")
    assert "`backfill.automatic` is off" in _reason(instance, home)


def test_a_covered_candidate_is_judged_once(instance: dg.DagsterInstance, home: Home, changed: None) -> None:
    version = _fill(home)
    request = _asked(instance, home)
    assert request.job_name == PROMOTION
    _run(instance, PROMOTION, dg.DagsterRunStatus.FAILURE, {STATE_TAG: request.tags[STATE_TAG]})
    again = _asked(instance, home)
    assert again.run_key != request.run_key, "a run that crashed has judged nothing"
    _run(instance, PROMOTION, dg.DagsterRunStatus.SUCCESS, {STATE_TAG: request.tags[STATE_TAG]})
    assert f"{version} has every vector; it has been judged" in _reason(instance, home)


def test_a_version_that_was_rolled_back_waits_for_a_person(
    instance: dg.DagsterInstance, home: Home, changed: None
) -> None:
    version = _fill(home)
    releases = Releases(Lake(home.lake, create=False))
    first = releases.live()
    spaces = {**first.spaces, "visual": version}
    second = releases.append(kind="promotion", spaces=spaces, fusion=first.fusion, evidence={}, reason="", after=first)
    releases.append(kind="rollback", spaces=first.spaces, fusion=first.fusion, evidence={}, reason="", after=second)
    assert "`reelindex promote visual` takes it into use again" in _reason(instance, home)
