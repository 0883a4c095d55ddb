"""`reelindex backfill`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.console import EXIT_SOME_FAILED, TerminalProgress, out, print_json
from orchestration.cli.ingest import show_failures, stages_table
from orchestration.cli.options import HomeOption, JsonOption

if TYPE_CHECKING:
    from orchestration.backfill.in_terminal import BackfillOutcome


def backfill(
    limit: Annotated[int | None, typer.Option(min=1, help="Segments that each stage takes on at most.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0.01, help="Begin no further batch after so long.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compute what a changed model or segmenter left to do, now; then judge the candidate that has everything.

    Search goes on with the live release. What was interrupted goes on where it stopped.
    """
    from orchestration.backfill.in_terminal import backfill as run_backfill
    from settings import Home, load_settings

    outcome = run_backfill(
        load_settings(), Home.find(home), TerminalProgress(), max_segments=limit, max_minutes=minutes
    )
    if as_json:
        print_json(outcome.to_dict())
    else:
        _show(outcome)
    if outcome.failures:
        raise typer.Exit(EXIT_SOME_FAILED)


def _show(outcome: BackfillOutcome) -> None:
    if not outcome.run_ids:
        out.print(f"Nothing to do: nothing is missing. ({outcome.duration_s:.1f} s, no model loaded)")
    elif outcome.reports:
        out.print(stages_table(outcome.reports))
    if outcome.run_ids:
        out.print(f"Took {outcome.duration_s:.1f} s; runs: {', '.join(outcome.run_ids)}.")
    if outcome.missing:
        out.print(f"Still missing: {outcome.missing}.", markup=False, highlight=False, soft_wrap=True)
    if outcome.decision:
        out.print(f"Decision: {outcome.decision.rstrip('.')}.", markup=False, highlight=False, soft_wrap=True)
    out.print(f"Search reads release {outcome.release_id}.")
    show_failures(outcome.failures)
