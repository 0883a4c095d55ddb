"""Measuring a program with its children."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.processes import RunFailed, run_measured

BURN = "import time\nwhile time.process_time() < 0.5: pass\n"
BURN_IN_CHILD = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BURN!r}], check=True)\n"


@pytest.mark.parametrize("program", [BURN, BURN_IN_CHILD], ids=["itself", "child"])
def test_cpu_time_of_a_program_and_its_child_is_counted(program: str, tmp_path: Path) -> None:
    run = run_measured([sys.executable, "-c", program], folder=tmp_path, environment={})
    assert run.cpu_s >= 0.5


def test_output_and_environment_are_the_programs_own(tmp_path: Path) -> None:
    program = "import os; print(os.environ['ANSWER'], os.getcwd())"
    run = run_measured([sys.executable, "-c", program], folder=tmp_path, environment={"ANSWER": "42"})
    assert run.output.split() == ["42", str(tmp_path.resolve())]


def test_accepted_exit_code_is_told(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit(3)"]
    assert run_measured(command, folder=tmp_path, environment={}, accepted=(0, 3)).exit_code == 3


def test_other_exit_code_is_an_error_with_the_programs_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('the disk is full')"]
    with pytest.raises(RunFailed, match=r"exit code 1.*the disk is full"):
        run_measured(command, folder=tmp_path, environment={})
