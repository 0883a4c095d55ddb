"""`reelindex search`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.console import clock, errors, out, print_json
from orchestration.cli.options import HomeOption, JsonOption

if TYPE_CHECKING:
    from retrieval.results import Copy, Result, SearchResults

TRANSCRIPT_CHARACTERS = 160


def search(
    query: Annotated[str, typer.Argument(help="What is said or seen, in words.")],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="Results at most.")] = 10,
    language: Annotated[str | None, typer.Option(help="Only videos spoken in this language (ISO 639-1).")] = None,
    under: Annotated[str | None, typer.Option(help="Only videos whose path begins so.")] = None,
    min_duration_s: Annotated[float | None, typer.Option(min=0, help="Only videos at least so long.")] = None,
    max_duration_s: Annotated[float | None, typer.Option(min=0, help="Only videos at most so long.")] = None,
    every_segment: Annotated[
        bool, typer.Option("--every-segment", help="Segments, not one result for each video.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask a question; answers come with times and with the score of every leg."""
    from lake.query_log import QueryLog
    from lake.store import Lake
    from retrieval import open_index
    from retrieval.filters import Filters
    from settings import Home, load_settings

    folders = Home.find(home)
    filters = Filters(
        language=language,
        uri_prefix=under,
        min_duration_ms=None if min_duration_s is None else round(min_duration_s * 1000),
        max_duration_ms=None if max_duration_s is None else round(max_duration_s * 1000),
    )
    with open_index(folders.lake, cache_dir=folders.caches) as index:
        found = index.search(query, limit=limit, filters=filters, group_by_video=not every_segment)
    if load_settings().search.log_queries and found.results:
        segment_ids = [result.segment_id for result in found.results]
        QueryLog(Lake(folders.lake, create=False)).enter(query, found.release_id, segment_ids)
    print_json(found.to_dict()) if as_json else show(found)


def show(found: SearchResults) -> None:
    """Prints results, best first."""
    for word, known in found.meant.items():
        errors.print(f"{word} occurs nowhere; looked for {known} too.", highlight=False, markup=False)
    if not found.results:
        errors.print("Nothing found.")
    for position, result in enumerate(found.results, start=1):
        span = f"{clock(result.start_ms)}-{clock(result.end_ms)}"
        out.print(
            f"{position:>2}  {_name(result)}  {span}  score {result.score:.4f}",
            style="bold",
            highlight=False,
            markup=False,
        )
        legs = "  ".join(f"{leg} #{hit.rank} ({hit.score:.3f})" for leg, hit in result.legs.items())
        out.print(f"    {legs}", style="dim", highlight=False, markup=False)
        if result.caption:
            out.print(f"    seen: {result.caption}", highlight=False, markup=False)
        if result.transcript:
            out.print(f"    said: {_shortened(result.transcript)}", highlight=False, markup=False)
        if result.screen:
            out.print(f"    read: {_shortened(result.screen)}", highlight=False, markup=False)
        if result.copies:
            also = ", ".join(_name(copy) for copy in result.copies)
            out.print(f"    also in: {_shortened(also)}", highlight=False, markup=False)


def _name(result: Result | Copy) -> str:
    # A video whose only file was overwritten stays until it is removed on demand.
    return Path(result.uri).name if result.uri else f"{result.video_id} (no file holds it any more)"


def _shortened(text: str) -> str:
    return text if len(text) <= TRANSCRIPT_CHARACTERS else text[: TRANSCRIPT_CHARACTERS - 1].rstrip() + "…"
