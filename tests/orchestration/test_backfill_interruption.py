"""Backfills that are killed, that meet each other, and that run out of disk: the rows in the end are the same."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from encoders.registry import resolve
from lake.releases import Releases
from lake.schema import vectors_table_name
from lake.store import Lake
from retrieval import open_index
from tests.orchestration.small_corpus import demand_same
from tests.orchestration.warm_backfill import FAILED, start_backfill
from tests.stages.small_lake import ingested

KILLS = 8
LITE0 = "conse:efficientnet-lite0"
CHANGED = {
    "REELINDEX_MODELS__VISUAL": LITE0,
    "REELINDEX_SEGMENTS__MAX_SEGMENT_S": "1",
    "REELINDEX_MEDIA__WORKERS": "1",
    "OMP_NUM_THREADS": "1",
}
"""A cut of its own for every video and another visual model: every stage but the transcripts has something to do."""

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("interruption"),
]


def _copy(folder: Path) -> Path:
    return ingested().copied_to(folder).folder


def _lake(home: Path) -> Lake:
    return Lake(home / "lake", create=False)


def _finish(process: BaseProcess) -> None:
    process.join(240)
    assert process.exitcode == 0


def _answers(home: Path) -> bool:
    with open_index(home / "lake", cache_dir=home / "caches") as index:
        return len(index.search("a maze").results) == 3


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """A home after a backfill that was left alone, and the seconds that it took."""
    _finish(start_backfill(_copy(tmp_path_factory.mktemp("first") / "home"), CHANGED))  # the server has started now
    home = _copy(tmp_path_factory.mktemp("undisturbed") / "home")
    began = time.monotonic()
    _finish(start_backfill(home, CHANGED))
    return home, time.monotonic() - began


def _demand_whole(home: Path, reference: Path) -> None:
    demand_same(_lake(home), _lake(reference))
    candidate = vectors_table_name("visual", resolve("visual", LITE0).version)
    assert candidate in _lake(home).vectors_tables()
    live = Releases(_lake(home)).live()
    assert live.release_id == Releases(_lake(reference)).live().release_id
    assert _answers(home)


def test_killed_in_mid_backfill_ends_with_the_rows_of_one_that_was_left_alone(
    undisturbed: tuple[Path, float], tmp_path: Path
) -> None:
    reference, whole_s = undisturbed
    moments, home = random.Random(7), _copy(tmp_path / "home")
    killed = 0
    for number in range(KILLS):
        # Every other time the cut is another one: however fast this one is, there is work left for the next.
        process = start_backfill(home, CHANGED | {"REELINDEX_SEGMENTS__MAX_SEGMENT_S": str(1 + number % 2)})
        process.join(whole_s * moments.uniform(0.2, 0.6))
        process.kill()
        process.join()
        killed += process.exitcode == -signal.SIGKILL
        assert _answers(home)
    assert killed >= KILLS // 2
    _finish(start_backfill(home, CHANGED))
    _demand_whole(home, reference)


def test_two_backfills_at_once_leave_every_row_once(undisturbed: tuple[Path, float], tmp_path: Path) -> None:
    home = _copy(tmp_path / "home")
    for process in [start_backfill(home, CHANGED) for _ in range(2)]:
        _finish(process)
    _demand_whole(home, undisturbed[0])


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own that can be filled."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk_is_an_error_that_says_so_and_the_next_run_goes_on(
    undisturbed: tuple[Path, float], small_disk: Path, tmp_path: Path
) -> None:
    home, said = _copy(small_disk / "home"), tmp_path / "said"
    # Dagster's own books lie elsewhere: what is full here is the disk of the lake.
    shutil.move(home / "dagster", tmp_path / "dagster")
    (home / "dagster").symlink_to(tmp_path / "dagster")
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(shutil.disk_usage(small_disk).free - 8192))

    process = start_backfill(home, CHANGED, said=said)
    process.join(240)
    assert process.exitcode == FAILED
    message = said.read_text(encoding="utf-8").lower()
    assert "no space left on device" in message, message
    assert _answers(home)

    ballast.unlink()
    _finish(start_backfill(home, CHANGED))
    _demand_whole(home, undisturbed[0])
