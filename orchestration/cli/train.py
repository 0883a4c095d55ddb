"""`reelindex train`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from orchestration.cli.console import TerminalProgress, out, print_json
from orchestration.cli.options import HomeOption, JsonOption

if TYPE_CHECKING:
    from orchestration.training import TrainingOutcome

_HELP_PAIRS = "A CSV file (text, video_path, start_s) or an .npz of features; left out, the lake's own words."


def train(
    pairs: Annotated[Path | None, typer.Option(help=_HELP_PAIRS)] = None,
    name: Annotated[str | None, typer.Option(help="What the head is called (default: training.name).")] = None,
    tower: Annotated[str | None, typer.Option(help="The frozen model (default: training.tower).")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a head on pairs of pictures and sentences: a new version of the visual space, measured but not yet live.

    How it is trained is said in the settings, under [training.recipe]. An interrupted run goes on where it stopped.
    """
    from orchestration.training import train as run_training
    from settings import Home, load_settings

    named = {"pairs": pairs, "name": name, "tower": tower}
    outcome = run_training(load_settings(), Home.find(home), TerminalProgress(), **_given(named))
    print_json(outcome.to_dict()) if as_json else _show(outcome)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _show(outcome: TrainingOutcome) -> None:
    table = Table("on the test split", "tower", "head", "gained", box=None, pad_edge=False)
    for metric, head in outcome.evaluation["head"]["metrics"].items():
        tower = outcome.evaluation["tower"]["metrics"][metric]
        mean, low, high = outcome.evaluation["gained"][metric]
        table.add_row(
            metric,
            f"{tower['mean']:.3f}",
            f"{head['mean']:.3f} ({head['low']:.3f} to {head['high']:.3f})",
            f"{mean:+.3f} ({low:+.3f} to {high:+.3f})",
        )
    out.print(table)
    items = outcome.evaluation["leakage"]["items"]
    out.print(f"{items} items, none of them trained on; {outcome.evaluation['leakage']['near']} nearly were.")
    out.print(f"{outcome.what_happened} {outcome.duration_s:.0f} s of training; {outcome.version}")
    out.print(
        f"To make it the candidate, write under [models]: {outcome.reference}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    out.print("Then `reelindex plan` says what the change costs, and `reelindex backfill` makes it.")
