"""Models that kill their process: what the next run makes of it."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from encoders.registry import resolve
from lake.schema import CAPTIONS, KEYFRAMES
from lake.store import Lake
from retrieval import open_index
from settings import Home
from stages.captions import plan_captions
from stages.under_way import UnderWay
from stages.vectors import plan_vectors, table_of
from tests.stages.lethal import PLACED, STAGES, WORDED, event, hold_batch, run_stage, start
from tests.stages.small_lake import MAX_ATTEMPTS, ingested, scope_of

pytestmark = [pytest.mark.xdist_group("ingested"), pytest.mark.timeout(120)]

SHOTS = 6


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return ingested().copied_to(tmp_path / "home")


def _lake(home: Home) -> Lake:
    return Lake(home.lake, create=False)


def _picture_of_some_segment(home: Home) -> tuple[str, bytes]:
    rows = _lake(home).read(KEYFRAMES.name, ["segment_id", "jpeg"]).sort_by("segment_id").to_pylist()
    return rows[2]["segment_id"], rows[2]["jpeg"]


def _ended(home: Home, stage: str, deadly: list[bytes], calls: Path) -> int | None:
    process = start(run_stage, home, stage, deadly, calls)
    process.join(60)
    return process.exitcode


def _sizes(calls: Path) -> list[int]:
    return [int(line) for line in calls.read_text().split()]


def _done(home: Home, stage: str) -> list[str]:
    """The segments that have the value of the new version."""
    if stage == "captions":
        return sorted(_lake(home).read(CAPTIONS.name, ["segment_id"], f"version = '{WORDED.version}'")[0].to_pylist())
    return sorted(_lake(home).read(table_of(PLACED, "visual").name, ["segment_id"])[0].to_pylist())


def _is_complete(home: Home, stage: str) -> bool:
    scope = scope_of(home)
    plan = plan_captions(scope, WORDED) if stage == "captions" else plan_vectors(scope, "visual", PLACED)
    return plan.is_empty


@pytest.mark.parametrize("stage", STAGES)
def test_the_batch_that_a_process_died_in_is_taken_one_by_one_and_no_other(
    home: Home, stage: str, tmp_path: Path
) -> None:
    _, picture = _picture_of_some_segment(home)
    assert _ended(home, stage, [picture], tmp_path / "first") == -signal.SIGKILL
    assert _sizes(tmp_path / "first") == [SHOTS]
    assert _ended(home, stage, [], tmp_path / "second") == 0
    assert _sizes(tmp_path / "second") == [1] * SHOTS
    assert _is_complete(home, stage)
    assert scope_of(home).failures.all() == [], "dying among others says nothing against one of them"

    assert UnderWay(_lake(home), stage, STAGES[stage].version).take_died() == [], "it is told once"


@pytest.mark.parametrize("stage", STAGES)
def test_what_kills_again_and_again_is_set_aside_and_everything_else_is_done(
    home: Home, stage: str, tmp_path: Path
) -> None:
    segment_id, picture = _picture_of_some_segment(home)
    live = table_of(resolve("visual", "conse"), "visual").name
    version, deaths, calls = _lake(home).table(live).version, 0, tmp_path / "calls"
    while _ended(home, stage, [picture], calls) == -signal.SIGKILL:
        deaths += 1
        assert deaths <= MAX_ATTEMPTS + 1
    assert deaths == MAX_ATTEMPTS + 1, "once among others, then alone as often as anything is tried"
    (failure,) = scope_of(home).failures.all()
    assert (failure.subject, failure.stage, failure.error) == (segment_id, stage, "ProcessDied")
    assert (failure.attempts, failure.quarantined) == (MAX_ATTEMPTS, True)
    assert len(_done(home, stage)) == SHOTS - 1
    assert segment_id not in _done(home, stage)
    assert _is_complete(home, stage)

    calls.unlink()
    assert _ended(home, stage, [picture], calls) == 0
    assert not calls.exists(), "nothing is left to do"
    assert _lake(home).table(live).version == version
    with open_index(home.lake, cache_dir=home.caches) as index:
        assert len(index.search("a maze").results) == 3

    scope_of(home).failures.retry()
    assert _ended(home, stage, [], calls) == 0, "with a mended model"
    assert len(_done(home, stage)) == SHOTS


def test_a_batch_of_a_process_that_lives_is_its_own_business(home: Home) -> None:
    lake, begun, end = _lake(home), event(), event()
    process = start(hold_batch, home.lake, "captions", begun, end)
    assert begun.wait(60)
    assert UnderWay(lake, "captions", "v1").take_died() == []
    process.kill()
    process.join()
    assert UnderWay(lake, "captions", "v2").take_died() == []
    assert UnderWay(lake, "visual_vectors", "v1").take_died() == []
    assert UnderWay(lake, "captions", "v1").take_died() == [("one", "two")]
    assert UnderWay(lake, "captions", "v1").take_died() == []


def test_a_batch_that_ended_with_an_error_did_not_kill(home: Home) -> None:
    under_way = UnderWay(_lake(home), "captions", "v1")
    with pytest.raises(RuntimeError), under_way.batch(["one"]):
        raise RuntimeError("the model choked")
    assert under_way.take_died() == []
