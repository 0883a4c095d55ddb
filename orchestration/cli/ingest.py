"""`reelindex ingest`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from orchestration.cli.console import EXIT_SOME_FAILED, TerminalProgress, errors, out, print_json
from orchestration.cli.options import HomeOption, JsonOption

if TYPE_CHECKING:
    from orchestration.in_terminal import Checked
    from orchestration.ingest import IngestOutcome

FAILURES_SHOWN = 20


def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Video files, or folders that are searched to the bottom.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take videos in: cut, transcribe, caption and embed what is new or changed, and nothing else."""
    from orchestration.ingest import ingest as run_ingest
    from settings import Home, load_settings

    outcome = run_ingest(paths, load_settings(), Home.find(home), TerminalProgress())
    if as_json:
        print_json(outcome.to_dict())
    else:
        show(outcome)
    if outcome.failures or outcome.unreadable:
        raise typer.Exit(EXIT_SOME_FAILED)


def show(outcome: IngestOutcome) -> None:
    """Prints what an ingest did."""
    if outcome.run_id is None:
        out.print(f"Nothing to do: everything is up to date. ({outcome.duration_s:.1f} s, no model loaded)")
    else:
        out.print(stages_table(outcome.reports))
        out.print(f"Run {outcome.run_id} took {outcome.duration_s:.1f} s.")
    if outcome.release_id is not None:
        out.print(f"Search reads release {outcome.release_id}.")
    else:
        reason = outcome.release_reason.rstrip(".")
        out.print(f"Not searchable: {reason}.", markup=False, highlight=False, soft_wrap=True)
    if outcome.left:
        out.print(f"Left for a backfill: {outcome.left}.", markup=False, highlight=False, soft_wrap=True)
    if outcome.ignored:
        listed = ", ".join(f"{count} of {extension or 'no extension'}" for extension, count in outcome.ignored.items())
        out.print(f"Passed over, not videos by their names: {listed}.", markup=False, highlight=False, soft_wrap=True)
    show_broken(outcome.checks)
    for report in outcome.reports:
        for warning in report["warnings"]:
            errors.print(f"{report['stage']}: {warning}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    show_failures(outcome.failures)
    for text in outcome.unreadable:
        errors.print(f"cannot be read: {text}", style="red", markup=False, highlight=False, soft_wrap=True)
    if outcome.quarantined:
        out.print(f"In quarantine: {outcome.quarantined}; `reelindex quarantine` lists them.")


def show_broken(checks: Sequence[Checked]) -> None:
    """Lists the checks that did not pass, those that block first."""
    for check in sorted((one for one in checks if not one.passed), key=lambda one: not one.blocks):
        style = "red" if check.blocks else "yellow"
        told = f"{check.asset}: {check.name}: {check.finding}"
        errors.print(told, style=style, markup=False, highlight=False, soft_wrap=True)


def stages_table(reports: Sequence[Mapping[str, Any]]) -> Table:
    """What every stage did, a row a version."""
    table = Table(box=None, pad_edge=False)
    for name in ("stage", "version"):
        table.add_column(name)
    for name in ("new", "stale", "done", "already there", "failed", "seconds"):
        table.add_column(name, justify="right")
    for report in reports:
        numbers = [report[name] for name in ("new", "stale", "done", "skipped", "failed")]
        table.add_row(report["stage"], report["version"], *map(str, numbers), f"{report['duration_s']:.1f}")
    return table


def show_failures(failures: Sequence[Mapping[str, Any]]) -> None:
    """Lists what could not be done, the first of them."""
    for failure in failures[:FAILURES_SHOWN]:
        errors.print(
            f"{failure['stage']}: {failure['message']}", style="red", markup=False, highlight=False, soft_wrap=True
        )
    if len(failures) > FAILURES_SHOWN:
        errors.print(f"... and {len(failures) - FAILURES_SHOWN} more.", style="red")
