"""`reelindex drop`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.filesize import decimal as size

from orchestration.cli.console import out, print_json
from orchestration.cli.options import HomeOption, JsonOption


def drop(
    version: Annotated[str, typer.Argument(help="A version that `reelindex models` lists; not a live one.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a version's vectors and free their bytes at once. It can be made again by naming its model again."""
    from lake.retention import drop_version
    from lake.store import Lake
    from orchestration.models import is_configured
    from settings import Home, load_settings

    lake = Lake(Home.find(home).lake, create=False)
    named = is_configured(load_settings(), version)
    warning = " The settings name it: a backfill will make it again." if named else ""
    if not yes and not typer.confirm(f"Drop the vectors of {version}?{warning}", err=True):
        raise typer.Exit(1)
    dropped = drop_version(lake, version)
    if as_json:
        print_json(asdict(dropped))
        return
    out.print(
        f"Dropped {version}: {dropped.rows:,} vectors, {size(dropped.freed_bytes)} freed.{warning}",
        highlight=False,
        soft_wrap=True,
    )
