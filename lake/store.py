"""The lake: LanceDB tables opened, created, read and written in the one way that is safe beside other writers."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lake.errors import LakeError, NoLake
from lake.schema import TABLES, VECTORS_PREFIX, TableSpec
from lake.upgrade import bring_up_to_date

if TYPE_CHECKING:
    import lance
    from lancedb.db import DBConnection
    from lancedb.table import Table


class Lake:
    """The tables under one folder.

    Handles see other processes' writes at once. Every write is an upsert by primary key or a delete, so that doing it
    twice is the same as doing it once.
    """

    def __init__(self, folder: Path, *, create: bool = True) -> None:
        """Opens the lake at `folder`, and makes it unless `create` is False. One that is older gets what it lacks.

        Raises:
            NoLake: There is no lake at `folder` and none may be created.
            LakeError: The folder cannot be made, or is a file.
        """
        self.folder = folder
        self._tables: dict[str, Table] = {}
        if create:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                reason = error.strerror or str(error)
                raise LakeError(f"the folder cannot be made: {reason}.", where=str(folder)) from error
        elif not self.exists(folder):
            raise NoLake("there is no lake here.", where=str(folder), remedy="Run `reelindex ingest FOLDER` first.")
        bring_up_to_date(self)

    @staticmethod
    def exists(folder: Path) -> bool:
        """Whether `folder` holds a lake."""
        return (folder / f"{TABLES[0].name}.lance").is_dir()

    @cached_property
    def _connection(self) -> DBConnection:
        import lancedb

        # Zero: a handle with another interval never sees what other processes write.
        return lancedb.connect(str(self.folder), read_consistency_interval=timedelta(0))

    def create(self, spec: TableSpec) -> None:
        """Makes a table if it is not there. Key and stable row ids are set in the same commit as the table itself.

        It is made aside and moved into place: of two processes that make the same table, the second would otherwise
        overwrite it under the first one's writes, and one that is killed would leave a folder that is no table.
        """
        if self.has_table(spec.name):
            return
        import lancedb

        with TemporaryDirectory(dir=self.folder, prefix=".creating-") as aside:
            lancedb.connect(aside).create_table(
                spec.name, schema=spec.schema, storage_options={"new_table_enable_stable_row_ids": "true"}
            )
            place = self._place(spec.name)
            try:
                if place.is_file():
                    place.unlink()  # left by a drop
                (Path(aside) / place.name).rename(place)
            except OSError:
                if not self.has_table(spec.name):
                    raise

    def table(self, name: str) -> Table:
        """The LanceDB handle of a table.

        Raises:
            LakeError: There is no such table.
        """
        if name not in self._tables:
            if not self.has_table(name):
                raise LakeError("there is no such table.", where=f"{self.folder}/{name}")
            self._tables[name] = self._connection.open_table(name)
        return self._tables[name]

    def drop(self, name: str, *, aside: str) -> None:
        """Removes a table, if it is there: moved to the folder `aside` in one step, and from there off the disk.

        An empty file stays in its place until it is made again: a writer in mid-commit would otherwise make the folder
        anew, with half of a table in it.
        """
        self._tables.pop(name, None)
        place, hidden = self._place(name), self.folder / aside
        while self.has_table(name):
            try:
                place.rename(hidden)
            except FileNotFoundError:
                return  # another process drops it too
            place.touch()
            shutil.rmtree(hidden, ignore_errors=True)

    def has_table(self, name: str) -> bool:
        """Whether a table of this name exists."""
        return self._place(name).is_dir()

    def vectors_tables(self) -> list[str]:
        """The names of all vector tables, sorted."""
        return sorted(path.stem for path in self.folder.glob(f"{VECTORS_PREFIX}*.lance") if path.is_dir())

    def dimension(self, name: str) -> int:
        """The dimension of the vectors of a table."""
        return int(self.snapshot(name).schema.field("vector").type.list_size)

    def _place(self, name: str) -> Path:
        return self.folder / f"{name}.lance"

    def snapshot(self, name: str) -> lance.LanceDataset:
        """A table as it is now, for scans by Arrow or DuckDB; later writes do not show in it."""
        return self.table(name).to_lance()

    def read(self, name: str, columns: Sequence[str], where: str | None = None) -> pa.Table:
        """Some columns of the rows that meet an SQL condition; columns not named are not read from disk."""
        return self.snapshot(name).to_table(columns=list(columns), filter=where)

    def count(self, name: str, where: str | None = None) -> int:
        """The number of rows, or of those that meet an SQL condition."""
        return int(self.table(name).count_rows(where))

    def upsert(self, spec: TableSpec, rows: pa.Table | Sequence[dict[str, Any]]) -> None:
        """Writes rows by key: what is there is replaced, what is not is inserted; atomic.

        Raises:
            LakeError: Two of the rows have the same key.
        """
        self._merge(spec, rows, replaced=None)

    def insert_new(self, spec: TableSpec, rows: pa.Table | Sequence[dict[str, Any]]) -> int:
        """Inserts the rows whose keys are not there yet and leaves the others as they are.

        Returns:
            The number of rows inserted. Of two processes that insert the same key, one gets 1 and the other 0.

        Raises:
            LakeError: Two of the rows have the same key.
        """
        data = _rows(spec, rows)
        result = self.table(spec.name).merge_insert(spec.key).when_not_matched_insert_all().execute(data)
        return int(result.num_inserted_rows)

    def replace(self, spec: TableSpec, rows: pa.Table | Sequence[dict[str, Any]], *, video_ids: Sequence[str]) -> None:
        """Makes `rows` the only rows of these videos, in one commit.

        Raises:
            LakeError: Two of the rows have the same key.
        """
        self._merge(spec, rows, replaced=in_list("video_id", video_ids))

    def _merge(self, spec: TableSpec, rows: pa.Table | Sequence[dict[str, Any]], *, replaced: str | None) -> None:
        data = _rows(spec, rows)
        if data.num_rows == 0 and replaced is None:
            return
        merge = self.table(spec.name).merge_insert(spec.key).when_matched_update_all().when_not_matched_insert_all()
        if replaced is not None:
            merge = merge.when_not_matched_by_source_delete(replaced)
        merge.execute(data)

    def delete(self, name: str, column: str, values: Sequence[str], *, chunk: int = 2000) -> None:
        """Deletes the rows whose `column` is one of `values`."""
        for start in range(0, len(values), chunk):
            self.table(name).delete(in_list(column, values[start : start + chunk]))


def in_list(column: str, values: Iterable[str]) -> str:
    """The SQL condition `column IN (...)`, with quotes in the values made safe; false for no values."""
    quoted = ", ".join(quote(value) for value in values)
    return f"{column} IN ({quoted})" if quoted else "false"


def quote(value: str) -> str:
    """An SQL text literal."""
    return "'" + value.replace("'", "''") + "'"


def _rows(spec: TableSpec, rows: pa.Table | Sequence[dict[str, Any]]) -> pa.Table:
    if isinstance(rows, pa.Table):
        data = rows.select(spec.schema.names).cast(spec.schema)
    else:
        data = pa.Table.from_pylist(list(rows), schema=spec.schema)
    # A merge compares the rows with the table, never with each other: it would insert both.
    counts = Counter(data[spec.key].to_pylist())
    if len(counts) < data.num_rows:
        twice = counts.most_common(1)[0][0]
        raise LakeError("two rows of one batch have the same key; nothing was written.", where=f"{spec.name} {twice}")
    return data
