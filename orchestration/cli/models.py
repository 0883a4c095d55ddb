"""`reelindex models`."""

from __future__ import annotations

from typing import Any

from rich.filesize import decimal as size
from rich.markup import escape
from rich.table import Table

from orchestration.cli.console import out, print_json
from orchestration.cli.options import HomeOption, JsonOption


def models(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List every version of every model: what it is, what it holds, and what it waits for."""
    from orchestration.models import list_models
    from settings import Home, load_settings

    found = list_models(load_settings(), Home.find(home))
    print_json(found) if as_json else _show(found)


def _show(found: list[dict[str, Any]]) -> None:
    table = Table("role", "version", "state", "named by the settings", box=None, pad_edge=False)
    for name in ("done", "wanted", "rows", "on disk", "since"):
        table.add_column(name, justify="right")
    for row in found:
        table.add_row(
            row["role"],
            row["version"],
            row["state"],
            "yes" if row["configured"] else "",
            *("" if row[name] is None else f"{row[name]:,}" for name in ("done", "wanted", "rows")),
            "" if row["bytes"] is None else size(row["bytes"]),
            "never loaded" if row["created_at"] is None else row["created_at"][:10],
        )
    out.print(table)
    for row in found:
        for sentence in row["waits_for"]:
            out.print(f"{row['version']} waits for {escape(sentence)}", highlight=False, soft_wrap=True)
