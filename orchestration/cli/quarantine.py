"""`reelindex quarantine`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from orchestration.cli.console import out, print_json
from orchestration.cli.options import HomeOption, JsonOption


def quarantine(
    retry: Annotated[
        bool, typer.Option("--retry", help="Take everything out; the next ingest tries it again.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what was set aside after it failed, with the reasons; or let it be tried again."""
    from lake.failures import Failures
    from lake.store import Lake
    from settings import Home, load_settings

    lake = Lake(Home.find(home).lake, create=False)
    failures = Failures(lake, max_attempts=load_settings().ingest.max_attempts)
    if retry:
        count = failures.retry()
        print_json({"retried": count}) if as_json else out.print(f"{count} will be tried again by the next ingest.")
        return
    found = failures.all()
    if as_json:
        print_json([asdict(failure) for failure in found])
    elif not found:
        out.print("Nothing has failed.")
    else:
        table = Table("what", "stage", "why", "tries", "set aside", box=None, pad_edge=False)
        for failure in found:
            what = (failure.uri or failure.video_id) + (
                "" if failure.subject == failure.video_id else f" {failure.subject}"
            )
            set_aside = "yes" if failure.quarantined else "not yet"
            table.add_row(escape(what), failure.stage, escape(failure.message), str(failure.attempts), set_aside)
        out.print(table)
