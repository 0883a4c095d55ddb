"""Backfills in processes that are forked from a server which has imported everything and opened nothing."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path

from kernel.progress import Silent

FAILED = 3


def start_backfill(home: Path, environment: Mapping[str, str], *, said: Path | None = None) -> BaseProcess:
    """Starts what `reelindex backfill --home HOME` runs; the process ends with 0 if all went well.

    Args:
        home: Where.
        environment: The settings that are not the default.
        said: Where to write the error that it stops with, if it does; then the process ends with `FAILED`.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.orchestration.warm_ingest"])
    process = context.Process(target=_backfill, args=(home, dict(environment), said))
    process.start()
    return process


def _backfill(home: Path, environment: dict[str, str], said: Path | None) -> None:
    from kernel.errors import ReelindexError
    from orchestration.backfill.in_terminal import backfill
    from settings import Home, load_settings

    os.environ.update(environment)
    try:
        outcome = backfill(load_settings(), Home(home), Silent())
    except ReelindexError as error:
        if said is None:
            raise
        said.write_text(str(error), encoding="utf-8")
        raise SystemExit(FAILED) from error
    if outcome.failures:
        raise SystemExit(str(outcome))
