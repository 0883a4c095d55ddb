"""A lake that an earlier version of reelindex made gets the tables and columns that it lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from kernel.identity import fingerprint
from lake.errors import LakeError
from lake.schema import RELEASES, TABLES, TableSpec

if TYPE_CHECKING:
    from lake.store import Lake

STAMP = ".schema"
"""The file that names the schema that a lake has: one look at it, and nothing is opened."""

DEFAULTS = {(RELEASES.name, "kind"): "'promotion'"}
"""What a new column holds in rows that are there, as SQL; text that is not named here is empty."""


def bring_up_to_date(lake: Lake) -> None:
    """Makes the tables and columns that are missing; a glance where none is.

    Raises:
        LakeError: A column is missing that has no sensible value in the rows that are there.
    """
    schema = fingerprint(f"{spec.name} {spec.schema}" for spec in TABLES)
    stamp = lake.folder / STAMP
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == schema:
        return
    from filelock import FileLock

    with FileLock(lake.folder / f"{STAMP}.lock"):
        for spec in TABLES:
            lake.create(spec)
            _add_columns(lake, spec)
    stamp.write_text(schema, encoding="utf-8")


def _add_columns(lake: Lake, spec: TableSpec) -> None:
    table = lake.table(spec.name)
    there = set(table.schema.names)
    missing = {field.name: _default(spec, field) for field in spec.schema if field.name not in there}
    if missing:
        table.add_columns(missing)
    if spec is RELEASES and "kind" in missing:
        table.update(where="predecessor IS NULL", values={"kind": "first"})


def _default(spec: TableSpec, field: pa.Field) -> str:
    if (spec.name, field.name) in DEFAULTS:
        return DEFAULTS[spec.name, field.name]
    if not pa.types.is_string(field.type):
        raise LakeError(
            f"the column `{field.name}` is missing: the lake was made by another version of reelindex.",
            where=f"table {spec.name}",
            remedy="Ingest into a new home.",
        )
    return "''"
