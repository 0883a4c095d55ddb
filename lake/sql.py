"""The lake in SQL: a DuckDB connection with one view a table, or a file that any DuckDB opens."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lake.errors import BadQuery, LakeError
from lake.releases import Releases
from lake.schema import TABLES, vectors_table_name
from lake.store import Lake

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

EXPORTED_WITHOUT = {"keyframes": ("jpeg",)}
"""Columns that an export leaves out: pictures are of no use in SQL and would be most of its bytes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of a statement and the names of their columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


class SqlSession:
    """A read-only DuckDB session over a lake as it was when the session began.

    Views: one for each table; `visual_vectors` and `text_vectors` are the vectors of the live release, with `vector` as
    `FLOAT[dim]`. Files and settings are out of reach of the statements.
    """

    def __init__(self, lake: Lake) -> None:
        self._connection = _connect(lake)
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")

    def run(self, statement: str) -> Answer:
        """Runs one or more statements and returns the rows of the last.

        Raises:
            BadQuery: DuckDB refused it; its own words are in the message.
        """
        import duckdb

        try:
            result = self._connection.execute(statement)
            if result is None:  # nothing but blanks or comments
                raise BadQuery("there is no statement to run.", remedy="`SHOW TABLES` lists the views.")
            columns = tuple(column[0] for column in result.description or ())
            return Answer(columns, tuple(result.fetchall()) if columns else ())
        except duckdb.Error as error:
            raise BadQuery(str(error), remedy="`SHOW TABLES` lists the views.") from error

    def table(self, statement: str, **given: pa.Table) -> pa.Table:
        """The rows of a statement as Arrow. `given` are further tables that it may name.

        Raises:
            BadQuery: DuckDB refused it; its own words are in the message.
        """
        import duckdb

        try:
            for name, rows in given.items():
                self._connection.register(name, rows)
            return self._connection.sql(statement).to_arrow_table()
        except duckdb.Error as error:
            raise BadQuery(str(error)) from error


def export(lake: Lake, path: Path, *, replace: bool = False) -> dict[str, int]:
    """Writes every table into one DuckDB file, whole or not at all.

    Args:
        lake: What to write.
        path: The file.
        replace: Whether a file that is there already may be replaced.

    Returns:
        The number of rows by table.

    Raises:
        LakeError: The file is there already, its folder is not, or DuckDB could not write it.
    """
    import duckdb

    if path.exists() and not replace:
        raise LakeError("the file is there already.", where=str(path), remedy="Name another, or remove it first.")
    if not path.parent.is_dir():
        raise LakeError("its folder does not exist.", where=str(path))
    connection = _connect(lake)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        connection.execute(f"ATTACH '{str(unfinished).replace(chr(39), chr(39) * 2)}' AS export")
        counts = {view: _export_view(connection, view) for view in _registered(connection)}
        connection.execute("DETACH export")
        unfinished.rename(path)
    except (duckdb.Error, OSError) as error:
        raise LakeError(f"the file could not be written: {error}.", where=str(path)) from error
    finally:
        connection.close()
        unfinished.unlink(missing_ok=True)
        unfinished.with_name(f"{unfinished.name}.wal").unlink(missing_ok=True)
    return counts


def _registered(connection: DuckDBPyConnection) -> list[str]:
    # Asked of the connection: another process may add or drop a table while the export runs.
    found = connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY view_name").fetchall()
    return [str(name) for (name,) in found]


def _export_view(connection: DuckDBPyConnection, view: str) -> int:
    left_out = ", ".join(EXPORTED_WITHOUT.get(view, ()))
    selected = f"* EXCLUDE ({left_out})" if left_out else "*"
    connection.execute(f'CREATE TABLE export."{view}" AS SELECT {selected} FROM "{view}"')
    count = connection.execute(f'SELECT count(*) FROM export."{view}"').fetchone()
    return int(count[0]) if count else 0


def _connect(lake: Lake) -> DuckDBPyConnection:
    import duckdb

    # What does not fit in memory goes beside the tables, not into whatever folder the command was called in.
    connection = duckdb.connect(config={"temp_directory": str(lake.folder / ".duckdb")})
    for view, table in _views(lake).items():
        connection.register(view, lake.snapshot(table))
    return connection


def _views(lake: Lake) -> dict[str, str]:
    views = {spec.name: spec.name for spec in TABLES}
    views |= {name: name for name in lake.vectors_tables()}
    live = Releases(lake).find_live()
    if live is not None:
        tables = {space: vectors_table_name(space, version) for space, version in live.spaces.items()}
        views |= {f"{space}_vectors": table for space, table in tables.items() if lake.has_table(table)}
    return views
