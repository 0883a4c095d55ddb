"""The command line."""

from __future__ import annotations

import sys

import typer

from kernel.errors import ReelindexError
from orchestration.cli import (
    backfill,
    check,
    demo,
    drop,
    evaluate,
    ingest,
    judge,
    models,
    plan,
    promote,
    quarantine,
    rollback,
    search,
    serve,
    sql,
    status,
    train,
    tune,
    ui,
)
from orchestration.cli.console import errors

BY_KEYBOARD = 130
"""What typer makes of an interrupt."""

app = typer.Typer(
    name="reelindex",
    help="Keeps a video corpus searchable while its models change.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for command in (
    demo.demo,
    ingest.ingest,
    plan.plan,
    backfill.backfill,
    models.models,
    promote.promote,
    rollback.rollback,
    drop.drop,
    train.train,
    search.search,
    serve.serve,
    judge.judge,
    tune.tune,
    status.status,
    check.check,
    evaluate.evaluate,
    quarantine.quarantine,
    sql.sql,
    ui.ui,
):
    app.command()(command)


def main() -> None:
    """Runs the command line. Exit codes: 0 done, 1 stopped by an error, 2 bad usage, 3 done but something failed."""
    try:
        app()
    except ReelindexError as error:
        errors.print(f"error: {error}", style="bold red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)
    except SystemExit as ended:
        if ended.code != BY_KEYBOARD:
            raise
        errors.print("interrupted; what was finished is kept.", style="bold")
        sys.exit(1)


__all__ = ["app", "main"]
