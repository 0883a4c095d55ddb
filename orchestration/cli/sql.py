"""`reelindex sql`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from orchestration.cli.console import errors, out, print_json
from orchestration.cli.options import HomeOption, JsonOption

if TYPE_CHECKING:
    from lake.sql import Answer, SqlSession

CELL_CHARACTERS = 60
ROWS_SHOWN = 200


def sql(
    query: Annotated[
        str | None, typer.Argument(help="A statement; left out, statements are read line by line.")
    ] = None,
    export: Annotated[Path | None, typer.Option(help="Write all tables to this new DuckDB file instead.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the tables in SQL, read-only; `SHOW TABLES` lists them."""
    from lake.sql import SqlSession
    from lake.sql import export as write_export
    from lake.store import Lake
    from settings import Home

    lake = Lake(Home.find(home).lake, create=False)
    if export is not None:
        counts = write_export(lake, export)
        written = f"{export}: {len(counts)} tables, {sum(counts.values()):,} rows."
        print_json(counts) if as_json else out.print(written, markup=False, highlight=False, soft_wrap=True)
        return
    session = SqlSession(lake)
    if query is None:
        _read_statements(session, as_json)
    else:
        _answer(session, query, as_json)


def _read_statements(session: SqlSession, as_json: bool) -> None:
    from lake.errors import BadQuery

    if sys.stdin.isatty():
        errors.print("DuckDB over the lake, read-only. `SHOW TABLES` lists the views; an empty line ends.")
    while statement := _next_line():
        try:
            _answer(session, statement, as_json)
        except BadQuery as error:
            errors.print(str(error), style="red", markup=False, highlight=False)


def _next_line() -> str:
    try:
        return input("sql> " if sys.stdin.isatty() else "").strip()
    except EOFError:
        return ""


def _answer(session: SqlSession, statement: str, as_json: bool) -> None:
    answer = session.run(statement)
    if as_json:
        print_json([dict(zip(answer.columns, row, strict=True)) for row in answer.rows])
    else:
        show(answer)


def show(answer: Answer) -> None:
    """Prints the rows of an answer as a table."""
    table = Table(*map(escape, answer.columns), box=None, pad_edge=False)
    for row in answer.rows[:ROWS_SHOWN]:
        table.add_row(*map(_cell, row))
    out.print(table)
    if len(answer.rows) > ROWS_SHOWN:
        out.print(f"... {len(answer.rows) - ROWS_SHOWN} more rows; use LIMIT, or --json for all.")


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return escape(text if len(text) <= CELL_CHARACTERS else text[: CELL_CHARACTERS - 1] + "…")
