"""`reelindex check`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from orchestration.cli.console import EXIT_SOME_FAILED, TerminalProgress, out, print_json
from orchestration.cli.ingest import show_broken
from orchestration.cli.options import HomeOption, JsonOption

if TYPE_CHECKING:
    from orchestration.in_terminal import Checked
    from settings import Home


def check(
    accept_drift: Annotated[
        bool, typer.Option("--accept-drift", help="Take all videos of today as what later ones are compared with.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Examine the lake now: what must be true of every table, and drift. Exit code 3: an error was found."""
    from lake.drift_references import DriftReferences
    from lake.store import Lake
    from orchestration.in_terminal import run_here
    from orchestration.jobs import QUALITY
    from settings import Home, load_settings

    folders = Home.find(home)
    lake = Lake(folders.lake, create=False)
    if accept_drift:
        DriftReferences(lake).forget()
    run = run_here(QUALITY, load_settings(), folders, TerminalProgress(), tags={})
    if as_json:
        print_json({"run_id": run.run_id, "checks": [asdict(one) for one in run.checks]})
    else:
        _show(run.checks, folders)
    if any(one.blocks and not one.passed for one in run.checks):
        raise typer.Exit(EXIT_SOME_FAILED)


def _show(checks: Sequence[Checked], folders: Home) -> None:
    met, asked = Counter(one.asset for one in checks if one.passed), Counter(one.asset for one in checks)
    table = Table("table", box=None, pad_edge=False)
    for name in ("met", "asked"):
        table.add_column(name, justify="right")
    for asset, count in asked.items():
        table.add_row(asset, str(met[asset]), str(count))
    out.print(table)
    show_broken(checks)
    out.print(f"{sum(met.values())} of {len(checks)} checks are met. Pages: {folders.reports}", soft_wrap=True)
