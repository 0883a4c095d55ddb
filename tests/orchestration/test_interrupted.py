"""Runs of the command line that were killed: closed, and their pool slots given back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psutil
import pytest

from orchestration import interrupted
from orchestration.instance import open_instance
from orchestration.interrupted import HOST_TAG, PROCESS_TAG, STARTED_TAG, close_interrupted_runs, process_tags
from settings import Home

pytestmark = pytest.mark.xdist_group("ingested")

POOL = "decoder"


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DAGSTER_HOME", "")
        with open_instance(Home(tmp_path_factory.mktemp("home"))) as opened:
            opened.event_log_storage.set_concurrency_slots(POOL, 1)
            yield opened


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    yield process
    process.kill()
    process.wait()


def _tags_of(pid: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The tags that a run in another process would have."""
    with monkeypatch.context() as patched:
        patched.setattr(os, "getpid", lambda: pid)
        return process_tags()


def _run(
    instance: dg.DagsterInstance, tags: dict[str, str], status: dg.DagsterRunStatus = dg.DagsterRunStatus.STARTED
) -> dg.DagsterRun:
    return instance.add_run(dg.DagsterRun(job_name="ingest", tags=tags, status=status))


def _status(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRunStatus:
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status


def _claimed(instance: dg.DagsterInstance) -> list[str]:
    return [slot.run_id for slot in instance.event_log_storage.get_concurrency_info(POOL).claimed_slots]


@pytest.mark.parametrize("fetched", [False, True], ids=["not yet fetched by its parent", "fetched"])
def test_a_run_whose_process_was_killed_is_closed_and_its_slot_is_free(
    instance: dg.DagsterInstance, sleeper: subprocess.Popen[bytes], fetched: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _run(instance, _tags_of(sleeper.pid, monkeypatch))
    instance.event_log_storage.claim_concurrency_slot(POOL, run.run_id, "segments")
    assert close_interrupted_runs(instance) == [], "it lives"
    assert _claimed(instance) == [run.run_id]

    sleeper.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    if fetched:
        sleeper.wait()
    assert close_interrupted_runs(instance) == [run.run_id]
    assert _status(instance, run) == dg.DagsterRunStatus.FAILURE
    assert _claimed(instance) == []
    assert close_interrupted_runs(instance) == [], "once"


@pytest.mark.parametrize("status", ["NOT_STARTED", "STARTING", "STARTED", "CANCELING"])
def test_a_run_is_closed_in_whatever_state_it_was_left(instance: dg.DagsterInstance, status: str) -> None:
    gone = {**process_tags(), PROCESS_TAG: str(_free_pid())}
    run = _run(instance, gone, dg.DagsterRunStatus[status])
    assert close_interrupted_runs(instance) == [run.run_id]


def test_a_run_of_this_process_is_left_alone_even_when_the_clock_is_set(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _run(instance, process_tags())
    assert close_interrupted_runs(instance) == []
    booted = psutil.boot_time()
    monkeypatch.setattr("psutil._psplatform.boot_time", lambda: booted + 3600)
    assert psutil.boot_time() == booted + 3600, "the clock is an hour ahead"
    assert psutil.Process().create_time() > time.time()
    assert close_interrupted_runs(instance) == []
    assert _status(instance, run) == dg.DagsterRunStatus.STARTED
    instance.delete_run(run.run_id)


def test_a_process_number_that_was_given_to_another_process_is_not_the_run(instance: dg.DagsterInstance) -> None:
    run = _run(instance, {**process_tags(), STARTED_TAG: "12.34"})
    assert close_interrupted_runs(instance) == [run.run_id]


def test_finished_runs_and_runs_of_other_machines_are_left_alone(instance: dg.DagsterInstance) -> None:
    gone = {**process_tags(), PROCESS_TAG: str(_free_pid())}
    done = _run(instance, gone, dg.DagsterRunStatus.SUCCESS)
    elsewhere = _run(instance, {**gone, HOST_TAG: "another-machine"})
    daemons = _run(instance, {})
    assert close_interrupted_runs(instance) == []
    assert _status(instance, done) == dg.DagsterRunStatus.SUCCESS
    assert _status(instance, elsewhere) == _status(instance, daemons) == dg.DagsterRunStatus.STARTED


def _free_pid() -> int:
    return next(pid for pid in range(2**15 - 1, 1, -1) if not psutil.pid_exists(pid))


def test_the_instance_is_configured_once_and_edits_are_kept(tmp_path: Path) -> None:
    from orchestration.instance import environment, prepare_instance

    home = Home(tmp_path / "home")
    folder = prepare_instance(home)
    configuration = folder / "dagster.yaml"
    assert "free_slots_after_run_end_seconds" in configuration.read_text()
    configuration.write_text("telemetry:\n  enabled: false\n")
    assert prepare_instance(home) == folder
    assert configuration.read_text() == "telemetry:\n  enabled: false\n"
    assert [path.name for path in folder.iterdir()] == ["dagster.yaml"]
    variables = environment(home)
    assert (variables["DAGSTER_HOME"], variables["REELINDEX_HOME"]) == (str(home.dagster), str(home.folder))
    assert interrupted.process_tags()[PROCESS_TAG] == str(os.getpid())
