"""The sensors on a real instance, with a command that writes down what it is told."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.alerts.alert import AlertNotDelivered
from orchestration.alerts.sensors import failed_checks, failed_runs
from orchestration.instance import open_instance
from settings import Home

ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN
STATE: dict[str, Any] = {"strict": (True, ERROR), "soft": (True, WARN), "crash": False}


@dg.asset(check_specs=[dg.AssetCheckSpec(name, asset="thing") for name in ("strict", "soft")])
def thing() -> dg.MaterializeResult:
    if STATE["crash"]:
        raise ValueError("out of luck")
    results = [
        dg.AssetCheckResult(
            check_name=name, passed=STATE[name][0], severity=STATE[name][1], description=f"{name} found"
        )
        for name in ("strict", "soft")
    ]
    return dg.MaterializeResult(check_results=results)


DEFINITIONS = dg.Definitions(assets=[thing], jobs=[dg.define_asset_job("things")])


@dataclass
class Watch:
    """An instance whose sensors keep their cursors, and what the command was told."""

    instance: dg.DagsterInstance
    inbox: Path
    cursors: dict[str, str | None] = field(default_factory=dict)

    def run(self, **state: Any) -> None:
        STATE.update(state)
        DEFINITIONS.resolve_job_def("things").execute_in_process(instance=self.instance, raise_on_error=False)

    def tick(self, sensor: dg.SensorDefinition) -> tuple[str, list[dict[str, Any]]]:
        self.inbox.write_text("")
        context = dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursors.get(sensor.name),
            repository_def=DEFINITIONS.get_repository_def(),
        )
        try:
            told = sensor(context)
        finally:
            self.cursors[sensor.name] = context.cursor
        assert isinstance(told, dg.SkipReason)
        return told.skip_message or "", [json.loads(line) for line in self.inbox.read_text().splitlines()]


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    inbox = tmp_path / "inbox"
    script = f"import sys; open({str(inbox)!r}, 'a').write(sys.stdin.read() + chr(10))"
    monkeypatch.setenv("REELINDEX_ALERTS__COMMAND", json.dumps([sys.executable, "-c", script]))
    monkeypatch.setenv("DAGSTER_HOME", "")
    STATE.update(strict=(True, ERROR), soft=(True, WARN), crash=False)
    with open_instance(Home(tmp_path / "home")) as instance:
        yield Watch(instance, inbox)


def test_a_check_is_told_of_when_it_begins_to_fail_and_when_it_holds_again(watch: Watch) -> None:
    watch.run()
    assert watch.tick(failed_checks)[1] == []
    watch.run(strict=(False, ERROR))
    (alert,) = watch.tick(failed_checks)[1]
    assert {**alert, "run_id": ""} == {
        "kind": "check_failed",
        "subject": "thing/strict",
        "severity": "error",
        "message": "strict found",
        "run_id": "",
    }
    watch.run()
    reason, alerts = watch.tick(failed_checks)
    assert alerts == [], "it was told of before"
    assert "1 checks fail; told by command" in reason
    watch.run(strict=(True, ERROR))
    (alert,) = watch.tick(failed_checks)[1]
    assert (alert["kind"], alert["severity"]) == ("check_recovered", "error")
    assert watch.tick(failed_checks)[1] == []


def test_a_warning_is_told_of_only_if_it_is_asked_for(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    watch.run(soft=(False, WARN))
    assert watch.tick(failed_checks)[1] == []
    watch.run(soft=(False, ERROR))
    assert [alert["severity"] for alert in watch.tick(failed_checks)[1]] == ["error"], "it has become an error"
    watch.run(soft=(True, WARN))
    assert [alert["kind"] for alert in watch.tick(failed_checks)[1]] == ["check_recovered"]
    monkeypatch.setenv("REELINDEX_ALERTS__MINIMUM", "warning")
    watch.run(soft=(False, WARN))
    assert [alert["severity"] for alert in watch.tick(failed_checks)[1]] == ["warning"]


def test_what_could_not_be_delivered_is_told_at_the_next_tick(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    watch.run(strict=(False, ERROR), soft=(False, ERROR))
    with monkeypatch.context() as broken:
        broken.setenv("REELINDEX_ALERTS__COMMAND", json.dumps(["no-such-program"]))
        with pytest.raises(AlertNotDelivered):
            watch.tick(failed_checks)
    assert {alert["subject"] for alert in watch.tick(failed_checks)[1]} == {"thing/strict", "thing/soft"}


def test_a_run_that_failed_is_told_of_once_and_none_from_before_the_first_tick(watch: Watch) -> None:
    watch.run(crash=True)
    assert watch.tick(failed_runs)[1] == []
    watch.run(crash=False)
    assert watch.tick(failed_runs)[1] == []
    watch.run(crash=True)
    (alert,) = watch.tick(failed_runs)[1]
    assert (alert["kind"], alert["subject"], alert["severity"]) == ("run_failed", "things", "error")
    assert alert["run_id"]
    assert watch.tick(failed_runs)[1] == []


def test_a_tick_says_that_nobody_is_told(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELINDEX_ALERTS__COMMAND", "[]")
    watch.run(strict=(False, ERROR))
    assert "nobody is told: set `alerts.command`" in watch.tick(failed_checks)[0]
