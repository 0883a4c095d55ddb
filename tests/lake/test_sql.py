"""The lake in SQL: every table is there, nothing can be reached or changed, and an export stands on its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from lake.errors import BadQuery, LakeError
from lake.releases import Releases
from lake.schema import FILES, KEYFRAMES, TABLES
from lake.sql import SqlSession, export
from lake.store import Lake
from tests.lake.samples import file_row, keyframe_row, small_vectors, vector_row

LIVE, CANDIDATE = small_vectors("live-1.0"), small_vectors("candidate-2")
VIEWS = sorted([*(spec.name for spec in TABLES), LIVE.name, CANDIDATE.name, "text_vectors"])


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake with a live version, a candidate and a release."""
    lake = Lake(tmp_path_factory.mktemp("sql") / "lake")
    lake.upsert(FILES, [file_row(f"/{name}.mp4", name * 2) for name in "abc"])
    lake.upsert(KEYFRAMES, [keyframe_row("aa-0-1", position) for position in range(3)])
    for spec, rows in ((LIVE, 5), (CANDIDATE, 2)):
        lake.create(spec)
        lake.upsert(spec, [vector_row(f"aa-{number}", (1.0, number, 0.0, 0.0)) for number in range(rows)])
    Releases(lake).append(
        kind="first",
        spaces={"text": "live-1.0", "visual": "not-made-yet"},
        fusion={},
        evidence={},
        reason="first",
        after=None,
    )
    return lake


@pytest.fixture(scope="module")
def session(filled: Lake) -> SqlSession:
    """A session over it."""
    return SqlSession(filled)


def test_there_is_a_view_for_every_table_and_for_the_live_vectors(session: SqlSession) -> None:
    assert [name for (name,) in session.run("SHOW TABLES").rows] == VIEWS
    for view in VIEWS:
        session.run(f'SELECT * FROM "{view}"')


def test_live_vectors_are_fixed_arrays_of_the_released_version(session: SqlSession) -> None:
    types = dict(session.run("SELECT column_name, column_type FROM (DESCRIBE text_vectors)").rows)
    assert types["vector"] == "FLOAT[4]"
    assert session.run("SELECT count(*) FROM text_vectors").rows == ((5,),)
    nearest = session.run(
        "SELECT segment_id FROM text_vectors ORDER BY array_cosine_distance(vector, [1, 4, 0, 0]::FLOAT[4]) LIMIT 2"
    )
    assert nearest.columns == ("segment_id",)
    assert nearest.rows == (("aa-4",), ("aa-3",))


def test_an_answer_has_the_rows_of_the_last_statement(session: SqlSession) -> None:
    answer = session.run("SELECT 1; SELECT uri, size_bytes FROM files ORDER BY uri")
    assert answer.columns == ("uri", "size_bytes")
    assert answer.rows == (("/a.mp4", 1), ("/b.mp4", 1), ("/c.mp4", 1))
    [(created_at,)] = session.run("SELECT created_at FROM releases").rows
    assert created_at.tzinfo is not None


def test_a_lake_without_a_release_has_no_live_vectors(lake: Lake) -> None:
    names = [name for (name,) in SqlSession(lake).run("SHOW TABLES").rows]
    assert names == sorted(spec.name for spec in TABLES)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM files",
        "UPDATE files SET size_bytes = 0",
        "INSERT INTO files SELECT * FROM files",
        "DROP TABLE files",
    ],
)
def test_tables_cannot_be_changed(filled: Lake, session: SqlSession, statement: str) -> None:
    with pytest.raises(BadQuery):
        session.run(statement)
    assert filled.count("files") == 3


def test_what_a_session_does_to_its_own_views_stays_in_it(filled: Lake) -> None:
    mine = SqlSession(filled)
    mine.run("ALTER TABLE files RENAME TO renamed; DROP VIEW videos; CREATE TABLE notes AS SELECT 1 AS one")
    assert mine.run("SELECT one FROM notes").rows == ((1,),)
    assert [name for (name,) in SqlSession(filled).run("SHOW TABLES").rows] == VIEWS


@pytest.mark.parametrize(
    "statement",
    [
        "COPY files TO '{folder}/out.csv'",
        "COPY (SELECT 1) TO '{folder}/out.parquet'",
        "EXPORT DATABASE '{folder}/out'",
        "ATTACH '{folder}/out.duckdb'",
        "SELECT * FROM read_csv('{folder}/secret.csv')",
        "SELECT * FROM read_text('{folder}/secret.csv')",
        "SELECT * FROM '{folder}/secret.csv'",
        "SELECT * FROM glob('{folder}/*')",
        "INSTALL httpfs",
        "LOAD '{folder}/extension'",
    ],
)
def test_files_are_out_of_reach(session: SqlSession, tmp_path: Path, statement: str) -> None:
    (tmp_path / "secret.csv").write_text("word\nxyzzy\n")
    with pytest.raises(BadQuery):
        session.run(statement.format(folder=tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]


@pytest.mark.parametrize(
    "statement",
    [
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "RESET lock_configuration",
        "SET memory_limit = '1GB'",
        "PRAGMA enable_profiling",
        "SET temp_directory = '/tmp'",
    ],
)
def test_settings_cannot_be_changed(session: SqlSession, statement: str) -> None:
    with pytest.raises(BadQuery):
        session.run(statement)


def test_variables_of_the_program_are_out_of_reach(session: SqlSession) -> None:
    secret = pa.table({"word": ["xyzzy"]})
    with pytest.raises(BadQuery, match="secret"):
        session.run("SELECT * FROM secret")
    assert secret.num_rows == 1


@pytest.mark.parametrize("statement", ["", "  ", "-- only a comment", ";", "SELEC 1", "SELECT nothing FROM files"])
def test_a_statement_that_cannot_be_run_is_refused_in_words(session: SqlSession, statement: str) -> None:
    with pytest.raises(BadQuery, match="SHOW TABLES"):
        session.run(statement)
    assert session.run("SELECT 1").rows == ((1,),)


def test_what_does_not_fit_in_memory_stays_inside_the_lake(filled: Lake, session: SqlSession) -> None:
    [(folder,)] = session.run("SELECT current_setting('temp_directory')").rows
    assert Path(folder).parent == filled.folder


def test_an_export_opens_in_another_process(filled: Lake, tmp_path: Path) -> None:
    path = tmp_path / "it's a corpus.duckdb"
    counts = export(filled, path)
    assert sorted(counts) == VIEWS
    assert {name: rows for name, rows in counts.items() if rows} == {
        "files": 3,
        "keyframes": 3,
        "releases": 1,
        "text_vectors": 5,
        LIVE.name: 5,
        CANDIDATE.name: 2,
    }
    assert [found.name for found in tmp_path.iterdir()] == [path.name]
    program = """
import duckdb, json, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
tables = [name for (name,) in connection.execute("SHOW TABLES").fetchall()]
vector = connection.execute("SELECT column_type FROM (DESCRIBE text_vectors) WHERE column_name = 'vector'").fetchone()
files = connection.execute("SELECT uri FROM files ORDER BY uri").fetchall()
pictures = [row[0] for row in connection.execute("DESCRIBE keyframes").fetchall()]
print(json.dumps([tables, vector, files, pictures]))
"""
    ran = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    tables, vector, files, keyframe_columns = json.loads(ran.stdout)
    assert tables == VIEWS
    assert vector == ["FLOAT[4]"]
    assert files == [["/a.mp4"], ["/b.mp4"], ["/c.mp4"]]
    assert keyframe_columns == [name for name in KEYFRAMES.schema.names if name != "jpeg"]


def test_an_export_does_not_touch_a_file_that_is_there(filled: Lake, tmp_path: Path) -> None:
    path = tmp_path / "mine.duckdb"
    path.write_text("precious")
    with pytest.raises(LakeError, match=r"mine\.duckdb: the file is there already"):
        export(filled, path)
    assert path.read_text() == "precious"
    with pytest.raises(LakeError, match="its folder does not exist"):
        export(filled, tmp_path / "nowhere" / "out.duckdb")


def test_an_export_that_fails_leaves_nothing(lake: Lake, tmp_path: Path) -> None:
    lake.create(LIVE)
    lake.upsert(FILES, [file_row("/a.mp4", "aa")])
    lake.upsert(LIVE, [vector_row("aa-0")])
    for data in (lake.folder / f"{LIVE.name}.lance" / "data").iterdir():
        data.write_bytes(b"")
    folder = tmp_path / "exports"
    folder.mkdir()
    with pytest.raises(LakeError, match=r"out\.duckdb: the file could not be written"):
        export(lake, folder / "out.duckdb")
    assert list(folder.iterdir()) == []
