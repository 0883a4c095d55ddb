"""Dropping versions: their bytes are free, nothing of them is left, and nothing brings half of one back."""

from __future__ import annotations

from pathlib import Path

import pytest
from lancedb.index import BTree

from lake.errors import LakeError
from lake.failures import Failures
from lake.model_versions import ModelVersion, ModelVersions
from lake.releases import Release, Releases
from lake.retention import DROPPING, drop_version, retire, version_bytes
from lake.schema import Space, vectors_table
from lake.store import Lake
from tests.lake import jobs
from tests.lake.processes import TwoProcesses
from tests.lake.samples import small_vectors, vector_row

ROWS = 40


def _make(lake: Lake, version: str, space: Space = "text", rows: int = ROWS) -> None:
    ModelVersions(lake).register(ModelVersion(version, space, space, {}, 4, {}))
    spec = vectors_table(space, version, 4)
    lake.create(spec)
    lake.upsert(spec, [vector_row(f"aa-{number}") for number in range(rows)])


def _go_live(lake: Lake, **spaces: str) -> Release:
    return Releases(lake).append(
        kind="promotion", spaces=spaces, fusion={}, evidence={}, reason="test", after=Releases(lake).find_live()
    )


def _bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_a_dropped_version_frees_its_bytes_and_keeps_its_place_in_the_registry(lake: Lake) -> None:
    _make(lake, "t-1")
    _make(lake, "t-2")
    lake.table(small_vectors("t-1").name).create_index("segment_id", config=BTree())
    failures = Failures(lake, max_attempts=1)
    for version in ("t-1", "t-2"):
        failures.record("text_vectors", "aa-9", "aa", version, RuntimeError("no"))
    size_bytes, vectors_bytes = _bytes_of(lake.folder), version_bytes(lake, "text", "t-1")
    assert vectors_bytes > ROWS * 4 * 4

    dropped = drop_version(lake, "t-1")

    assert (dropped.version, dropped.rows, dropped.freed_bytes) == ("t-1", ROWS, vectors_bytes)
    assert version_bytes(lake, "text", "t-1") == 0
    assert _bytes_of(lake.folder) < size_bytes - vectors_bytes + 10_000, "what is left is a commit to `failures`"
    assert lake.vectors_tables() == [small_vectors("t-2").name]
    assert [failure.version for failure in failures.all()] == ["t-2"]
    assert [model.version for model in ModelVersions(lake).all()] == ["t-1", "t-2"]
    assert drop_version(lake, "t-1").freed_bytes == 0, "twice is as good as once"


def test_what_is_live_or_unknown_is_not_dropped(lake: Lake) -> None:
    _make(lake, "t-1")
    ModelVersions(lake).register(ModelVersion("whisper-1", "transcriber", None, {}, None, {}))
    _go_live(lake, text="t-1")
    with pytest.raises(LakeError, match=r"t-1: it is live.*reelindex rollback"):
        drop_version(lake, "t-1")
    for version in ("t-9", "whisper-1"):
        with pytest.raises(LakeError, match=r"no version of a space has this name.*reelindex models"):
            drop_version(lake, version)
    assert lake.count(small_vectors("t-1").name) == ROWS


def test_a_handle_from_before_neither_reads_a_dropped_version_nor_brings_it_back(lake: Lake) -> None:
    _make(lake, "t-1")
    spec, before = small_vectors("t-1"), Lake(lake.folder)
    assert before.count(spec.name) == ROWS
    drop_version(lake, "t-1")
    for attempt in (
        lambda: before.read(spec.name, ["segment_id"]),
        lambda: before.upsert(spec, [vector_row("bb-0")]),
        lambda: before.replace(spec, [vector_row("bb-0")], video_ids=["bb"]),
    ):
        with pytest.raises(RuntimeError, match="lance"):
            attempt()
    assert not before.has_table(spec.name)
    for handle in (lake, Lake(lake.folder)):
        assert handle.vectors_tables() == []
        with pytest.raises(LakeError, match="there is no such table"):
            handle.table(spec.name)


def test_a_version_can_be_made_again_and_old_handles_follow(lake: Lake) -> None:
    _make(lake, "t-1")
    spec, before = small_vectors("t-1"), Lake(lake.folder)
    assert before.count(spec.name) == ROWS
    version_before = before.table(spec.name).version
    drop_version(lake, "t-1")
    _make(lake, "t-1", rows=3)
    assert lake.table(spec.name).version == version_before, "the hardest case: the same number for other rows"
    for handle in (lake, before, Lake(lake.folder)):
        assert len(set(handle.read(spec.name, ["segment_id", "vector"])["segment_id"].to_pylist())) == 3
    before.upsert(spec, [vector_row("bb-0")])
    assert lake.count(spec.name) == 4


def test_what_a_killed_drop_left_is_taken_away_by_the_next(lake: Lake) -> None:
    _make(lake, "t-1")
    _make(lake, "t-2")
    spec = small_vectors("t-1")
    # As if killed after the one step that matters.
    (lake.folder / f"{spec.name}.lance").rename(lake.folder / f"{DROPPING}{spec.name}")
    assert not Lake(lake.folder).has_table(spec.name)
    drop_version(lake, "t-2")
    assert list(lake.folder.glob(f"{DROPPING}*")) == []


def test_a_writer_in_mid_commit_does_not_bring_half_a_table_back(lake: Lake, two_processes: TwoProcesses) -> None:
    ModelVersions(lake).register(ModelVersion("killed", "visual", "visual", {}, 256, {}))
    ended, rows = two_processes.together(jobs.drop_or_write, (lake.folder, "writer"), (lake.folder, "dropper"))
    assert "lance" in ended
    assert rows > 0
    assert lake.vectors_tables() == []
    assert list(lake.folder.glob(f"{jobs.KILLED_SPEC.name}.lance/*")) == []


def test_retirement_keeps_the_last_versions_that_were_live_of_each_space(lake: Lake) -> None:
    for number in range(1, 6):
        _make(lake, f"t-{number}")
        _go_live(lake, text=f"t-{number}", visual="v-1")
    _make(lake, "v-1", "visual")
    _make(lake, "t-never-live")
    dropped = retire(lake, keep_retired=2, configured={"t-2"})
    assert [one.version for one in dropped] == ["t-1"]
    assert retire(lake, keep_retired=2, configured={"t-2"}) == []
    assert [one.version for one in retire(lake, keep_retired=1, configured=set())] == ["t-3", "t-2"]
    releases = Releases(lake)
    states = {version: releases.state(version) for version in ("t-1", "t-3", "t-4", "t-5", "v-1", "t-never-live")}
    assert states == {
        "t-1": "dropped",
        "t-3": "dropped",
        "t-4": "retired",
        "t-5": "live",
        "v-1": "live",
        "t-never-live": "candidate",
    }


def test_what_was_live_last_counts_not_what_was_live_first(lake: Lake) -> None:
    for version in ("t-1", "t-2", "t-1", "t-3"):
        _make(lake, version)
        _go_live(lake, text=version)
    assert [one.version for one in retire(lake, keep_retired=1, configured=set())] == ["t-2"]


def test_nothing_retires_before_the_first_release(lake: Lake) -> None:
    _make(lake, "t-1")
    assert retire(lake, keep_retired=1, configured=set()) == []
