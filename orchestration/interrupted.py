"""Runs whose process is gone: told from their tags, closed so that nothing waits for them."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

import dagster as dg

HOST_TAG = "reelindex/host"
PROCESS_TAG = "reelindex/process"
STARTED_TAG = "reelindex/process_started"


def process_tags() -> dict[str, str]:
    """The tags by which a run in this process can later be told to be gone."""
    pid = os.getpid()
    return {HOST_TAG: socket.gethostname(), PROCESS_TAG: str(pid), STARTED_TAG: _start_of(pid) or ""}


def close_interrupted_runs(instance: dg.DagsterInstance) -> list[str]:
    """Marks runs of the command line whose process was killed as failed, and gives back the pool slots they held.

    Returns:
        The ids of the runs that were closed.
    """
    unfinished = [
        dg.DagsterRunStatus.NOT_STARTED,
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.STARTED,
        dg.DagsterRunStatus.CANCELING,
    ]
    runs = instance.get_runs(dg.RunsFilter(statuses=unfinished, tags={HOST_TAG: socket.gethostname()}))
    gone = [run for run in runs if _is_gone(run.tags)]
    for run in gone:
        instance.report_run_failed(run, f"Process {run.tags[PROCESS_TAG]} is gone: the run was interrupted.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return [run.run_id for run in gone]


def _is_gone(tags: Mapping[str, str]) -> bool:
    started = _start_of(int(tags[PROCESS_TAG]))
    return started is None or started != tags.get(STARTED_TAG)


def _start_of(pid: int) -> str | None:
    """When a running process started; None if there is none. Its number is used again, its start time with it is not.

    In seconds since the machine started: the clock may be set while the process runs.
    """
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None  # ended, and not yet fetched by its parent: in a container perhaps never
        return f"{process.create_time() - psutil.boot_time():.2f}"
    except psutil.NoSuchProcess:
        return None
