"""The promises of the lake beside other threads, other processes and a kill."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.errors import LakeError, NoLake
from lake.schema import FILES, SEGMENTS, TABLES, TableSpec, vectors_table_name
from lake.store import Lake, in_list, quote
from lake.upgrade import STAMP
from tests.lake import jobs
from tests.lake.processes import TwoProcesses
from tests.lake.samples import file_row, segment_row, small_vectors, vector_row


def _uris(lake: Lake) -> list[str]:
    return sorted(lake.read("files", ["uri"])["uri"].to_pylist())


def test_a_new_lake_has_every_table_with_a_key_that_lance_knows(lake: Lake) -> None:
    for spec in TABLES:
        found = lake.snapshot(spec.name)
        assert found.schema.names == spec.schema.names
        assert found.schema.field(spec.key).metadata == {b"lance-schema:unenforced-primary-key": b"true"}
        assert not found.schema.field(spec.key).nullable
        assert found.has_stable_row_ids
    tables = sorted(path.name for path in lake.folder.iterdir() if not path.name.startswith(STAMP))
    assert tables == sorted(f"{spec.name}.lance" for spec in TABLES)


def test_opening_a_lake_again_changes_nothing(lake: Lake) -> None:
    lake.upsert(FILES, [file_row("/a.mp4", "aa")])
    again = Lake(lake.folder)
    assert _uris(again) == ["/a.mp4"]
    assert again.snapshot("files").version == lake.snapshot("files").version


def test_a_folder_without_a_lake_is_refused_and_left_alone(tmp_path: Path) -> None:
    with pytest.raises(NoLake, match="there is no lake here"):
        Lake(tmp_path / "nothing", create=False)
    assert not (tmp_path / "nothing").exists()
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(LakeError, match="file: the folder cannot be made"):
        Lake(tmp_path / "file")


def test_a_table_that_is_not_there_is_named(lake: Lake) -> None:
    assert not lake.has_table("vectors__text__x")
    with pytest.raises(LakeError, match="vectors__text__x: there is no such table"):
        lake.count("vectors__text__x")


@given(version=st.text(min_size=1, max_size=30))
def test_the_name_of_a_vector_table_needs_no_quotes(version: str) -> None:
    name = vectors_table_name("visual", version)
    assert name.isascii()
    assert name.isidentifier()


def test_vector_tables_are_listed_by_name(lake: Lake) -> None:
    for version in ("b-2.0", "a-1"):
        lake.create(small_vectors(version))
        lake.create(small_vectors(version))
    assert lake.vectors_tables() == ["vectors__text__a_1", "vectors__text__b_2_0"]


@given(value=st.text(max_size=20))
def test_a_quoted_value_ends_where_it_should(value: str) -> None:
    literal = quote(value)
    assert literal[0] == literal[-1] == "'"
    assert "'" not in literal[1:-1].replace("''", "")
    assert literal[1:-1].replace("''", "'") == value


def test_values_with_quotes_are_only_values(lake: Lake) -> None:
    names = ["/it's.mp4", "') OR true --", '"', "\\'", "é 日本"]
    lake.upsert(FILES, [file_row(name, "aa") for name in names])
    for name in names:
        assert lake.read("files", ["uri"], in_list("uri", [name]))["uri"].to_pylist() == [name]
    assert lake.count("files", in_list("uri", [])) == 0
    lake.delete("files", "uri", [names[1]])
    assert _uris(lake) == sorted(name for name in names if name != names[1])


def test_many_values_are_deleted_in_pieces(lake: Lake) -> None:
    names = [f"/{number}.mp4" for number in range(50)]
    lake.upsert(FILES, [file_row(name, "aa") for name in names])
    lake.delete("files", "uri", names[:45], chunk=10)
    assert _uris(lake) == sorted(names[45:])


def test_an_upsert_replaces_and_inserts_and_an_insert_leaves_what_is_there(lake: Lake) -> None:
    lake.upsert(FILES, [file_row("/a", "aa", size_bytes=1), file_row("/b", "aa", size_bytes=1)])
    lake.upsert(FILES, [file_row("/b", "aa", size_bytes=2), file_row("/c", "aa", size_bytes=2)])
    assert lake.insert_new(FILES, [file_row("/c", "aa", size_bytes=3), file_row("/d", "aa", size_bytes=3)]) == 1
    rows = lake.read("files", ["uri", "size_bytes"]).to_pylist()
    assert {row["uri"]: row["size_bytes"] for row in rows} == {"/a": 1, "/b": 2, "/c": 2, "/d": 3}
    lake.upsert(FILES, [])
    assert lake.count("files") == 4


@pytest.mark.parametrize("known", [False, True])
def test_a_batch_that_says_a_key_twice_is_refused_whole(lake: Lake, known: bool) -> None:
    if known:
        lake.upsert(FILES, [file_row("/twice", "aa", size_bytes=7)])
    rows = [file_row("/once", "aa"), file_row("/twice", "aa", size_bytes=1), file_row("/twice", "aa", size_bytes=2)]
    with pytest.raises(LakeError, match="files /twice: two rows of one batch have the same key"):
        lake.upsert(FILES, rows)
    with pytest.raises(LakeError, match="files /twice"):
        lake.insert_new(FILES, pa.Table.from_pylist(rows, schema=FILES.schema))
    with pytest.raises(LakeError, match="files /twice"):
        lake.replace(FILES, rows, video_ids=["aa"])
    assert _uris(lake) == (["/twice"] if known else [])


def test_a_row_that_lacks_a_value_is_refused(lake: Lake) -> None:
    with pytest.raises(Exception, match="bucket"):
        lake.upsert(FILES, [{**file_row("/a", "aa"), "bucket": None}])
    assert lake.count("files") == 0


def test_replace_leaves_exactly_the_rows_given_and_other_videos_alone(lake: Lake) -> None:
    for video_id in ("aa", "bb", "cc"):
        lake.replace(SEGMENTS, [segment_row(video_id, number) for number in range(4)], video_ids=[video_id])
    before = lake.snapshot("segments").version
    rows = [segment_row("aa", 1, keyframes_fp="new"), segment_row("aa", 9, keyframes_fp="new")]
    lake.replace(SEGMENTS, rows, video_ids=["aa", "bb"])
    assert lake.snapshot("segments").version == before + 1
    found = lake.read("segments", ["segment_id", "keyframes_fp"]).to_pylist()
    expected = [(row["segment_id"], "new") for row in rows]
    expected += [(segment_row("cc", number)["segment_id"], "fp") for number in range(4)]
    assert sorted((row["segment_id"], row["keyframes_fp"]) for row in found) == sorted(expected)
    lake.replace(SEGMENTS, [], video_ids=["cc"])
    assert lake.count("segments") == 2


def test_a_table_that_another_process_made_a_moment_ago_is_kept(lake: Lake) -> None:
    class Late(Lake):
        """Looks for the table in the moment before the other process moves it into place."""

        looked = False

        def has_table(self, name: str) -> bool:
            if name == small_vectors().name and not self.looked:
                self.looked = True
                return False
            return super().has_table(name)

    lake.create(small_vectors())
    lake.upsert(small_vectors(), [vector_row("aa-0")])
    late = Late(lake.folder)
    late.create(small_vectors())
    late.upsert(small_vectors(), [vector_row("bb-0")])
    assert lake.count(small_vectors().name) == 2
    assert not list(lake.folder.glob(".creating-*"))


def test_threads_that_insert_the_same_new_keys_make_each_once(lake: Lake) -> None:
    barrier = Barrier(2)
    names = [f"/{number}" for number in range(60)]

    def insert(size_bytes: int) -> int:
        mine = Lake(lake.folder)
        inserted = 0
        for start in range(0, 60, 10):
            rows = [file_row(name, "aa", size_bytes=size_bytes) for name in names[start : start + 10]]
            barrier.wait(60)
            inserted += mine.insert_new(FILES, rows)
            barrier.wait(60)
            mine.upsert(FILES, rows)
        return inserted

    with ThreadPoolExecutor(2) as pool:
        counts = list(pool.map(insert, (1, 2)))
    assert sum(counts) == 60
    assert _uris(lake) == sorted(names)


def test_processes_that_upsert_the_same_new_keys_make_each_once(lake: Lake, two_processes: TwoProcesses) -> None:
    names = [f"/{number}" for number in range(200)]
    two_processes.together(jobs.upsert_files, *[(lake.folder, names, 20)] * 2)
    assert _uris(lake) == sorted(names)


def test_of_processes_that_insert_the_same_new_keys_each_counts_its_own(
    lake: Lake, two_processes: TwoProcesses
) -> None:
    names = [f"/{number}" for number in range(200)]
    counts = two_processes.together(jobs.insert_new_files, *[(lake.folder, names, 20)] * 2)
    assert sum(counts) == 200
    assert _uris(lake) == sorted(names)


def test_a_handle_sees_what_another_process_wrote(lake: Lake, two_processes: TwoProcesses) -> None:
    lake.upsert(FILES, [file_row("/mine", "aa")])
    assert lake.count("files") == 1
    two_processes.together(jobs.upsert_files, (lake.folder, ["/theirs"], 1), (lake.folder, ["/others"], 1))
    assert lake.count("files") == 3
    assert _uris(lake) == ["/mine", "/others", "/theirs"]
    assert lake.table("files").search().where("uri = '/theirs'").to_arrow().num_rows == 1


def test_processes_that_make_the_same_new_lake_both_succeed(tmp_path: Path, two_processes: TwoProcesses) -> None:
    rounds = 8
    two_processes.together(jobs.make_lakes, (tmp_path, "aa", rounds), (tmp_path, "bb", rounds))
    for number in range(rounds):
        lake = Lake(tmp_path / str(number), create=False)
        assert _uris(lake) == ["/aa.mp4", "/bb.mp4"]
        assert lake.count(small_vectors().name) == 2
        assert not list(lake.folder.glob(".creating-*"))


def test_replacing_one_video_is_atomic_beside_a_writer_of_another(lake: Lake, two_processes: TwoProcesses) -> None:
    rounds = 12
    lake.upsert(SEGMENTS, [segment_row("cc", 0)])
    running = two_processes.start_together(
        jobs.replace_segments, (lake.folder, "aa", rounds), (lake.folder, "bb", rounds)
    )
    seen: set[tuple[str, str]] = set()
    while not all(future.done() for future in running):
        rows = lake.read("segments", ["video_id", "keyframes_fp"]).to_pylist()
        for video_id in ("aa", "bb"):
            stamps = [row["keyframes_fp"] for row in rows if row["video_id"] == video_id]
            assert len(set(stamps)) <= 1
            assert not stamps or len(stamps) == jobs.segments_of_round(int(stamps[0]))
            seen |= {(video_id, stamp) for stamp in stamps}
        time.sleep(0.01)
    assert [future.result() for future in running] == [None, None]
    assert seen
    rows = lake.read("segments", ["segment_id", "keyframes_fp"]).to_pylist()
    last = [
        segment_row(video_id, number, keyframes_fp=str(rounds - 1))
        for video_id in ("aa", "bb")
        for number in range(jobs.segments_of_round(rounds - 1))
    ]
    expected = [(row["segment_id"], row["keyframes_fp"]) for row in [*last, segment_row("cc", 0)]]
    assert sorted((row["segment_id"], row["keyframes_fp"]) for row in rows) == sorted(expected)


def _stamps(lake: Lake, spec: TableSpec) -> dict[str, str]:
    """The stamp of each video's batch, having checked that each is there whole, once, and of one write."""
    rows = lake.read(spec.name, ["segment_id", "video_id", "input_fp"])
    assert len(set(rows["segment_id"].to_pylist())) == rows.num_rows
    counted = rows.group_by(["video_id", "input_fp"]).aggregate([("segment_id", "count")]).to_pylist()
    assert {row["segment_id_count"] for row in counted} <= {jobs.KILLED_ROWS}
    assert len({row["video_id"] for row in counted}) == len(counted)
    return {row["video_id"]: row["input_fp"] for row in counted}


def _killed_in_the_middle(folder: Path, run: int, stamp: str, whole_writes: int, delay_s: float) -> list[str]:
    """Kills a writer `delay_s` into a write that follows some whole ones; returns the videos it said it had written."""
    # The writer is forked from a server that has imported LanceDB and opened nothing: importing it for each of them
    # would cost half a minute in all.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["lance", "lancedb", "tests.lake.jobs"])
    ours, theirs = context.Pipe(duplex=False)
    writer = context.Process(target=jobs.write_for_ever, args=(folder, run, stamp, run % 2 == 1, theirs), daemon=True)
    writer.start()
    theirs.close()
    messages: list[tuple[str, bool]] = []
    while len(messages) < 2 * whole_writes + 1:
        assert ours.poll(60), "the writer says nothing"
        messages.append(ours.recv())
    time.sleep(delay_s)
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGKILL)
    writer.join(60)
    assert writer.exitcode == -signal.SIGKILL
    with suppress(EOFError):
        while True:
            messages.append(ours.recv())
    return [video_id for video_id, is_done in messages if is_done]


def test_a_killed_writer_leaves_whole_batches_and_the_next_run_ends_exact(lake: Lake) -> None:
    chance = random.Random(11)
    lake.create(jobs.KILLED_SPEC)
    before: dict[str, str] = {}
    for run in range(8):
        stamp = f"run {run}"
        said = _killed_in_the_middle(lake.folder, run, stamp, chance.randrange(3), chance.uniform(0, 0.02))
        found = _stamps(lake, jobs.KILLED_SPEC)
        assert all(found[video_id] == stamp for video_id in said)
        assert all(found[video_id] in (kept, stamp) for video_id, kept in before.items())
        before = found
    for batch in range(jobs.KILLED_BATCHES):
        jobs.write_batch(lake, batch, "last", replace=False)
    assert _stamps(lake, jobs.KILLED_SPEC) == {jobs.video_of_batch(n): "last" for n in range(jobs.KILLED_BATCHES)}
