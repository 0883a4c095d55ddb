"""`reelindex plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.filesize import decimal as size
from rich.table import Table

from orchestration.cli.console import out, print_json
from orchestration.cli.options import HomeOption, JsonOption

if TYPE_CHECKING:
    from settings.model import BackfillSettings
    from stages.estimate import Cost, Estimate, StageEstimate

_HELP_PRICE = "What an hour of this machine costs (default: backfill.price_per_hour)."
_HELP_PROBE = "Load no model: where nothing was measured, take the rate of another version."


def plan(
    price_per_hour: Annotated[float | None, typer.Option(min=0, help=_HELP_PRICE)] = None,
    no_probe: Annotated[bool, typer.Option("--no-probe", help=_HELP_PROBE)] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what is new, stale or orphaned in every stage, and what it will cost. Computes and writes nothing.

    A model that was never measured here is loaded and timed on a few of its own subjects.
    """
    from lake.store import Lake
    from orchestration.resources import build_resources
    from settings import Home, load_settings
    from stages.estimate import estimate
    from stages.overview import plan_all

    settings, folders = load_settings(), Home.find(home)
    lake = Lake(folders.lake, create=False)
    resources = build_resources(settings, folders)
    models = resources["models"].open(resources["lake"])
    plans = plan_all(resources["lake"].scope(None, resources["progress"]), models, resources["media"].segmenter())
    price = settings.backfill.price_per_hour if price_per_hour is None else price_per_hour
    found = estimate(lake, models, plans, price_per_hour=price, may_probe=not no_probe, cache_dir=folders.caches)
    print_json(found.to_dict()) if as_json else _show(found, settings.backfill)


def _show(found: Estimate, settings: BackfillSettings) -> None:
    priced = found.price_per_hour > 0
    table = Table("stage", "version", box=None, pad_edge=False)
    for name in ("new", "stale", "orphaned", "there", "rate", "time", "on disk", *(["money"] if priced else [])):
        table.add_column(name, justify="right")
    for stage in found.stages:
        plan = stage.plan
        numbers = (len(plan.new), len(plan.stale), len(plan.orphaned), plan.current)
        table.add_row(
            stage.stage, stage.version, *(f"{n:,}" for n in numbers), _rate(stage), *_cost(stage.planned, priced)
        )
    table.add_row("together", "", "", "", "", "", "", *_cost(found.planned, priced), style="bold")
    out.print(table)
    for stage in found.stages:
        if stage.growth.count:
            sentence = f"{stage.stage} ({stage.version}): {stage.growth.in_words(stage.stage)}."
            out.print(sentence, highlight=False, soft_wrap=True)
        if stage.rate_source == "another version":
            out.print(
                f"{stage.stage}: the rate is that of {stage.rate_version}; {stage.version} was never measured here.",
                highlight=False,
                soft_wrap=True,
            )
    if found.at_most != found.planned:
        hours, size_bytes, *money = _cost(found.at_most, priced)
        costs = ", ".join([hours, size_bytes, *(f"money {amount}" for amount in money)])
        out.print(f"With all that may come: {costs}.", highlight=False, soft_wrap=True)
    out.print(_next(found, settings), highlight=False, soft_wrap=True)


def _rate(stage: StageEstimate) -> str:
    if stage.rate_per_s is None:
        return "unknown" if stage.plan.todo or stage.growth.count else ""
    label = "" if stage.rate_source == "measured" else f" ({stage.rate_source})"
    return f"{stage.rate_per_s:,.2f} {stage.subjects}/s{label}"


def _cost(cost: Cost, priced: bool) -> list[str]:
    cells = [_time(cost.hours), size(cost.bytes) if cost.bytes else ""]
    if priced:
        cells.append("?" if cost.money is None else f"{cost.money:,.2f}" if cost.money else "")
    return cells


def _time(hours: float | None) -> str:
    if hours is None:
        return "?"
    seconds = round(hours * 3600)
    if seconds < 60:
        return f"{hours * 3600:.1f} s" if hours else ""
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min" if seconds >= 3600 else f"{seconds / 60:.0f} min"


def _next(found: Estimate, settings: BackfillSettings) -> str:
    if found.is_empty:
        return "Nothing to do."
    if not settings.automatic:
        return "Next: `reelindex backfill` does it; the daemon does not (backfill.automatic is off)."
    limits = [f"between {settings.window}"] if settings.window else []
    if settings.max_segments_per_night is not None:
        limits.append(f"at most {settings.max_segments_per_night:,} subjects a night")
    if settings.max_minutes_per_night is not None:
        limits.append(f"at most {settings.max_minutes_per_night:g} minutes a night")
    return f"Next: the daemon does it {', '.join(limits) or 'at once'}; `reelindex backfill` does it now."
