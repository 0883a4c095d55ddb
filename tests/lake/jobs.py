"""What the other processes do to a lake in tests."""

from __future__ import annotations

import time
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path

from lake.errors import ReleaseRaced
from lake.model_versions import ModelVersion, ModelVersions
from lake.releases import Releases
from lake.retention import drop_version
from lake.schema import FILES, SEGMENTS, TableSpec, vectors_table
from lake.store import Lake
from tests.lake.processes import meet
from tests.lake.samples import file_row, segment_row, small_vectors, vector_batch, vector_row

KILLED_BATCHES = 5
KILLED_ROWS = 1500
KILLED_SPEC: TableSpec = vectors_table("visual", "killed", 256)


def make_lakes(folder: Path, who: str, rounds: int) -> None:
    """Opens `rounds` new lakes and writes one vector into each, together with the other process."""
    for number in range(rounds):
        meet()
        lake = Lake(folder / str(number))
        lake.create(small_vectors())
        lake.upsert(small_vectors(), [vector_row(f"{who}-0")])
        lake.upsert(FILES, [file_row(f"/{who}.mp4", who)])


def upsert_files(folder: Path, names: list[str], batch: int) -> None:
    """Upserts files in batches."""
    lake = Lake(folder, create=False)
    for start in range(0, len(names), batch):
        meet()
        lake.upsert(FILES, [file_row(name, "aa") for name in names[start : start + batch]])


def insert_new_files(folder: Path, names: list[str], batch: int) -> int:
    """Inserts the files that are not there and counts those that this process inserted."""
    lake = Lake(folder, create=False)
    inserted = 0
    for start in range(0, len(names), batch):
        meet()
        inserted += lake.insert_new(FILES, [file_row(name, "aa") for name in names[start : start + batch]])
    return inserted


def replace_segments(folder: Path, video_id: str, rounds: int) -> None:
    """Replaces the segments of one video again and again, each round by more or by fewer stamped with its number."""
    lake = Lake(folder, create=False)
    for number in range(rounds):
        rows = [
            segment_row(video_id, position, keyframes_fp=str(number)) for position in range(segments_of_round(number))
        ]
        lake.replace(SEGMENTS, rows, video_ids=[video_id])


def segments_of_round(number: int) -> int:
    """How many segments a video has in a round: 7, 4, 1, 8, 5, 2 ..."""
    return (6 - 3 * number) % 10 + 1


def append_releases(folder: Path, who: str, rounds: int) -> list[str]:
    """Tries to follow the live release together with the other process; says how each round went."""
    releases = Releases(Lake(folder, create=False))
    outcomes = []
    for _ in range(rounds):
        live = releases.find_live()
        meet()
        try:
            releases.append(
                kind="promotion", spaces={"text": who}, fusion={"k": 60.0}, evidence={}, reason=who, after=live
            )
            outcomes.append("won")
        except ReleaseRaced:
            outcomes.append("lost")
        meet()
    return outcomes


def register_version(folder: Path, who: str) -> str:
    """Registers the same version as the other process with another canary; says whose canary is kept."""
    versions = ModelVersions(Lake(folder, create=False))
    kept = versions.register(ModelVersion("v-1", "text", "text", {"dim": 4}, 4, {"who": who}))
    return str(kept.canary["who"])


def write_for_ever(folder: Path, first: int, stamp: str, replace: bool, pipe: Connection) -> None:
    """Writes batch after batch until it is killed, and says so before and after: `(video_id, is_done)`."""
    lake = Lake(folder, create=False)
    for number in count(first):
        batch = number % KILLED_BATCHES
        pipe.send((video_of_batch(batch), False))
        write_batch(lake, batch, stamp, replace=replace)
        pipe.send((video_of_batch(batch), True))


def drop_or_write(folder: Path, who: str) -> str | int:
    """One process writes until that fails, and says why; the other drops the version, and says how many rows it had."""
    lake = Lake(folder, create=False)
    lake.create(KILLED_SPEC)
    meet()
    if who == "dropper":
        while lake.count(KILLED_SPEC.name) < KILLED_ROWS:
            time.sleep(0.01)
        return drop_version(lake, "killed").rows
    try:
        for number in count():
            write_batch(lake, number % KILLED_BATCHES, "x", replace=False)
    except RuntimeError as error:
        return str(error)
    raise AssertionError


def write_batch(lake: Lake, batch: int, stamp: str, *, replace: bool) -> None:
    """Writes one batch, which is all the vectors of one video."""
    video_id = video_of_batch(batch)
    rows = vector_batch(KILLED_SPEC, video_id, KILLED_ROWS, stamp)
    if replace:
        lake.replace(KILLED_SPEC, rows, video_ids=[video_id])
    else:
        lake.upsert(KILLED_SPEC, rows)


def video_of_batch(batch: int) -> str:
    """The video whose vectors a batch is."""
    return f"{batch:02x}{batch:02x}"
