from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from assets.evaluate import DRIFT_CHECKS, FAILURE_CHECKS
from assets.expectations import SPECS
from orchestration.definitions import build_definitions
from orchestration.instance import open_instance
from orchestration.jobs import QUALITY
from settings import Home, Settings
from settings.model import QualitySettings
from tests.orchestration.command import reelindex_here
from tests.quality.expectations.breakers import BREAKERS, Broken
from tests.quality.expectations.sound_lake import WarmModels, sound_home

ASKED = len(SPECS) + len(DRIFT_CHECKS) + len(FAILURE_CHECKS)
ADVICE = "Delete the video's row in `decodes`"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return sound_home(tmp_path_factory.mktemp("sound"))


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = sound_home(tmp_path_factory.mktemp("broken"))
    for name in ("partition", "not_too_long"):
        BREAKERS["segments"][name](Broken(home, WarmModels(home)))
    return home


def test_a_sound_lake_passes(sound: Home) -> None:
    called = reelindex_here("check", home=sound)
    assert called.exit_code == 0
    assert f"{ASKED} of {ASKED} checks are met" in called.out
    assert (sound.reports / "expectations" / "index.html").is_file()


def test_a_broken_one_is_told_with_what_to_do_and_its_own_exit_code(broken: Home) -> None:
    called = reelindex_here("check", home=broken)
    assert called.exit_code == 3
    told = [line for line in called.err.splitlines() if line.startswith("segments: ")]
    assert told[0].startswith("segments: partition: 1 of 23 rows break this: `gap_ms` must be 0. For instance ")
    assert ADVICE in told[0]
    assert told[1].startswith("segments: not_too_long: ")


def test_as_json_every_check_is_there(broken: Home) -> None:
    document = reelindex_here("check", "--json", home=broken).document
    checks = {(one["asset"], one["name"]): one for one in document["checks"]}
    assert len(checks) == ASKED
    assert checks["segments", "partition"]["blocks"]
    assert not checks["segments", "not_too_long"]["blocks"]
    assert {key for key, one in checks.items() if not one["passed"]} == {
        ("segments", "partition"),
        ("segments", "not_too_long"),
    }


def test_a_warning_alone_is_no_failure(tmp_path: Path) -> None:
    home = sound_home(tmp_path)
    BREAKERS["videos"]["place"](Broken(home, WarmModels(home)))
    called = reelindex_here("check", home=home)
    assert called.exit_code == 0
    assert "videos: place: 1 of 8 rows break this" in called.err


def test_without_a_lake_it_says_so(tmp_path: Path) -> None:
    called = reelindex_here("check", home=Home(tmp_path / "none"))
    assert called.exit_code == 1
    assert "there is no lake here" in called.err


def test_dagster_keeps_what_was_found_with_number_threshold_and_evidence(broken: Home) -> None:
    job = build_definitions(Settings(), broken).resolve_job_def(QUALITY)
    with open_instance(broken) as instance:
        chosen = [dg.AssetCheckKey(dg.AssetKey("segments"), "partition")]
        result = job.get_subset(asset_selection=set(), asset_check_selection=set(chosen)).execute_in_process(
            instance=instance
        )
    (evaluation,) = result.get_asset_check_evaluations()
    assert not evaluation.passed
    assert evaluation.severity is dg.AssetCheckSeverity.ERROR
    assert ADVICE in (evaluation.description or "")
    metadata = {name: value.value for name, value in evaluation.metadata.items() if name != "examples"}
    assert metadata["rows_that_break_it"] == 1.0
    assert metadata["bounds"] == "`gap_ms` must be 0"
    assert metadata["rows"] == 23
    assert metadata["data_docs"] == "http://127.0.0.1:3001/expectations/validations/segments.html"
    assert evaluation.metadata["examples"].value.records[0].data["example"].endswith("gap_ms 4000")


@pytest.mark.parametrize(("at", "cron"), [("05:00", "0 5 * * *"), ("23:59", "59 23 * * *"), ("", None)])
def test_the_daemon_examines_the_lake_daily_unless_the_settings_say_never(
    tmp_path: Path, at: str, cron: str | None
) -> None:
    settings = Settings(quality=QualitySettings(daily_at_utc=at))
    schedules = list(build_definitions(settings, Home(tmp_path)).schedules or [])
    assert [one.cron_schedule for one in schedules if isinstance(one, dg.ScheduleDefinition)] == [cron] * bool(cron)
