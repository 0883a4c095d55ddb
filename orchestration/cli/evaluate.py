"""`reelindex evaluate`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from orchestration.cli.console import TerminalProgress, out, print_json
from orchestration.cli.options import HomeOption, JsonOption

if TYPE_CHECKING:
    from lake.retrieval_quality import Found, RetrievalQuality

METRICS = ("recall@1", "recall@5", "recall@10", "ndcg@10", "mrr")


def evaluate(
    questions: Annotated[
        Path | None,
        typer.Option(
            "--questions",
            help="A CSV file with the columns query,video_path and, if you like, kind. Without it the file of the "
            "settings is asked, or what is drawn from the corpus.",
        ),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask what the answers are known of: how well each leg and all together find it, and how search fails."""
    from lake.store import Lake
    from quality.retrieval.measure import live_quality
    from quality.retrieval.questions import questions_of
    from retrieval.query_encoders import QueryEncoders
    from settings import Home, load_settings

    folders = Home.find(home)
    lake = Lake(folders.lake, create=False)
    asked = questions_of(lake, questions.resolve() if questions else load_settings().promotion.evaluation)
    encoders = QueryEncoders(lake, cache_dir=folders.caches)
    found = live_quality(lake, asked, encoders, TerminalProgress())
    if as_json:
        print_json(asdict(found) | {"measured_at": found.measured_at.isoformat(), "unknown_paths": asked.unknown})
    else:
        _show(found, asked.unknown)


def _show(found: RetrievalQuality, unknown: int) -> None:
    asked = found.legs["fused"].questions
    out.print(f"{asked} questions ({found.source}) to release {found.release_id}.", highlight=False, markup=False)
    if unknown:
        out.print(f"{unknown} paths of the file name no video of this lake.", highlight=False)
    out.print(_table("leg", found.legs))
    if found.parts:
        out.print(_table("fused, by part", found.parts))
    for mode in found.failure_modes:
        told = "not told" if mode.value is None else f"{mode.value:.2f}, at most {mode.most:g}"
        sign = "LOOK" if mode.exceeds else "ok" if mode.value is not None else "-"
        out.print(f"{sign:5}{mode.name}: {told}. {mode.told}", highlight=False, markup=False, soft_wrap=True)


def _table(of: str, rows: Mapping[str, Found]) -> Table:
    table = Table(of, box=None, pad_edge=False)
    for name in ("n", *METRICS):
        table.add_column(name, justify="right")
    for name, one in rows.items():
        cells = (f"{one.metrics[each].mean:.3f}" for each in METRICS)
        table.add_row(name, str(one.questions), *cells)
    return table
