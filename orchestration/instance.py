"""The Dagster instance of a home: the same one for the command line, the web UI and the daemon."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import dagster as dg
from filelock import FileLock

from settings import Home
from settings.home import HOME_VARIABLE

_SHIPPED = Path(__file__).with_name("dagster.yaml")


def prepare_instance(home: Home) -> Path:
    """Makes the instance's folder with its configuration, and leaves one that is there as it is.

    Returns:
        The folder, which is the instance's `DAGSTER_HOME`.
    """
    home.dagster.mkdir(parents=True, exist_ok=True)
    configuration = home.dagster / "dagster.yaml"
    if not configuration.exists():
        unfinished = home.dagster / f".dagster.yaml.{os.getpid()}"
        shutil.copyfile(_SHIPPED, unfinished)
        unfinished.replace(configuration)
    return home.dagster


def environment(home: Home) -> dict[str, str]:
    """The environment in which Dagster's own programs work on this home, without telemetry."""
    return {
        **os.environ,
        "DAGSTER_HOME": str(prepare_instance(home)),
        HOME_VARIABLE: str(home.folder),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
    }


def open_instance(home: Home) -> dg.DagsterInstance:
    """The instance, opened; to be used as a context manager."""
    folder = str(prepare_instance(home))
    # Dagster derives more paths from the variable than from the folder it is given.
    os.environ["DAGSTER_HOME"] = folder
    # Two processes that both find no databases yet would both make their tables, and one of them would fail.
    with FileLock(home.dagster / ".lock"):
        instance = dg.DagsterInstance.from_config(folder)
        # Each is made when it is first asked for.
        assert all((instance.run_storage, instance.event_log_storage, instance.schedule_storage))
    return instance
