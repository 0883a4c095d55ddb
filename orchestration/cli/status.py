"""`reelindex status`."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from orchestration.cli.console import out, print_json
from orchestration.cli.options import HomeOption, JsonOption


def status(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Say what is there, what is missing, which versions are live, and what failed."""
    from orchestration.status import read_status
    from settings import Home, load_settings

    found = read_status(load_settings(), Home.find(home))
    print_json(found) if as_json else _show(found)


def _show(found: dict[str, Any]) -> None:
    release = found["live_release"]
    out.print(f"{found['videos']} videos, {found['segments']} segments, {found['quarantine']} in quarantine.")
    out.print(f"Search reads release {release}." if release else "Nothing is released yet.")
    table = Table("space", "version", "state", box=None, pad_edge=False)
    for name in ("done", "wanted", "coverage"):
        table.add_column(name, justify="right")
    for version, row in found["versions"].items():
        share = "-" if row["coverage"] is None else f"{row['coverage']:.1%}"
        table.add_row(row["space"], version, row["state"], str(row["done"]), str(row["wanted"]), share)
    out.print(table)
    for stage, counts in found["missing"].items():
        out.print(f"Missing in {stage}: {counts}. `reelindex plan` says what it takes.")
    if found["last_run"]:
        run = found["last_run"]
        out.print(f"Last run: {run['run_id']} {run['status'].lower()}, {run['started_at']}.")
