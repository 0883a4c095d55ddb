"""`reelindex judge`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.console import errors, out, print_json
from orchestration.cli.options import HomeOption, JsonOption
from orchestration.cli.search import show

if TYPE_CHECKING:
    from retrieval.results import SearchResults
    from settings import Home
    from training.preferences.judgements import Judgement, Unit

_HELP_FILE = (
    "Take preferences in from a CSV file instead: query,preferred,rejected, and for clicks position_preferred and "
    "position_rejected."
)


def judge(
    query: Annotated[str | None, typer.Argument(help="What is asked; its answers are judged.")] = None,
    good: Annotated[
        str | None, typer.Option(help="The numbers of the good results, as in 1,3; not asked then.")
    ] = None,
    bad: Annotated[str | None, typer.Option(help="The numbers of those that are not; left out, all others.")] = None,
    clicked: Annotated[str | None, typer.Option(help="Numbers that were clicked on, with no word said.")] = None,
    file: Annotated[Path | None, typer.Option(help=_HELP_FILE)] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=2, max=1000, help="Results at most.")] = 10,
    every_segment: Annotated[
        bool, typer.Option("--every-segment", help="Segments, not one result for each video.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which results are good; `reelindex tune` fits the fusion of the legs to it. Search stays as it is.

    What was said is added to judgements.jsonl in the lake's folder, with the list that was shown.
    """
    from settings import Home

    _check_usage(query, good, bad, clicked, file, as_json)
    folders = Home.find(home)
    if file is not None:
        _take_in(file, folders, as_json)
        return
    assert query is not None
    found = _search(query, limit, every_segment, folders)
    if not as_json:
        show(found)
    judgement = _judged(found, _answers(good, bad, clicked, len(found.results)), every_segment=every_segment)
    if judgement is not None:
        _enter(judgement, folders)
    _say(judgement, as_json)


def _check_usage(
    query: str | None, good: str | None, bad: str | None, clicked: str | None, file: Path | None, as_json: bool
) -> None:
    if (query is None) == (file is None):
        raise typer.BadParameter("either a query or --file.", param_hint="QUERY")
    if file is not None and (good or bad or clicked):
        raise typer.BadParameter("a file says itself what is good.", param_hint="--file")
    if clicked is not None and (good is not None or bad is not None):
        raise typer.BadParameter("a list is either clicked on or judged.", param_hint="--clicked")
    if bad is not None and good is None:
        raise typer.BadParameter("needs --good: something must be better.", param_hint="--bad")
    if as_json and file is None and good is None and clicked is None:
        raise typer.BadParameter("needs --good or --clicked: nobody is asked.", param_hint="--json")


def _search(query: str, limit: int, every_segment: bool, folders: Home) -> SearchResults:
    from retrieval import open_index

    with open_index(folders.lake, cache_dir=folders.caches) as index:
        return index.search(query, limit=limit, group_by_video=not every_segment)


def _answers(
    good: str | None, bad: str | None, clicked: str | None, results: int
) -> tuple[bool, list[int], list[int] | None]:
    """Whether it was a click, the numbers that are good, and those that are not, None for all others."""
    if clicked is not None:
        return True, _numbers(clicked, results, "--clicked"), None
    if good is not None:
        return False, _numbers(good, results, "--good"), None if bad is None else _numbers(bad, results, "--bad")
    if not results:
        return False, [], None
    chosen = _asked("Which are good? Numbers, as in 1,3", results)
    return False, chosen, (_asked("Which are not? Empty: all others", results) or None) if chosen else None


def _asked(question: str, results: int) -> list[int]:
    while True:
        said = typer.prompt(question, default="", show_default=False, err=True)
        try:
            return _numbers(said, results, "")
        except typer.BadParameter as wrong:
            errors.print(wrong.message, style="red", markup=False, highlight=False)


def _numbers(text: str, results: int, option: str) -> list[int]:
    parts = [part for part in re.split(r"[,\s]+", text.strip()) if part]
    for part in parts:
        if not re.fullmatch("[0-9]{1,4}", part) or not 1 <= int(part) <= results:
            raise typer.BadParameter(f"{part} is no number of a result: 1 to {results}.", param_hint=option)
    return sorted({int(part) for part in parts})


def _judged(
    found: SearchResults, answers: tuple[bool, Sequence[int], Sequence[int] | None], *, every_segment: bool
) -> Judgement | None:
    """What was said, None where nothing was."""
    from training.preferences.judgements import Judgement, Shown

    was_click, good, bad = answers
    if not good:
        return None
    unit: Unit = "segment" if every_segment else "video"
    shown = [Shown(rank, one.video_id, one.segment_id) for rank, one in enumerate(found.results, start=1)]
    if bad is None and not was_click:
        bad = [one.rank for one in shown if one.rank not in good]
    return Judgement(
        query=found.query,
        chosen=tuple(shown[number - 1].named(unit) for number in good),
        rejected=tuple(shown[number - 1].named(unit) for number in bad or ()),
        shown=tuple(shown),
        kind="click" if was_click else "judgement",
        unit=unit,
        release_id=found.release_id,
    )


def _enter(judgement: Judgement, folders: Home) -> None:
    from lake.store import Lake
    from training.preferences.judgements import JudgementLog

    JudgementLog(Lake(folders.lake, create=False)).enter([judgement])


def _say(judgement: Judgement | None, as_json: bool) -> None:
    if as_json:
        print_json({"recorded": int(judgement is not None), "judgement": judgement and judgement.to_dict()})
    elif judgement is None:
        out.print("Nothing recorded.")
    else:
        out.print("Recorded. `reelindex tune` says what it would change.", highlight=False)


def _take_in(file: Path, folders: Home, as_json: bool) -> None:
    from lake.store import Lake
    from training.preferences.from_csv import read_csv
    from training.preferences.judgements import JudgementLog

    lake = Lake(folders.lake, create=False)
    read = read_csv(file, lake)
    recorded = JudgementLog(lake).enter_new(read)
    if as_json:
        print_json({"recorded": recorded, "known": len(read) - recorded})
        return
    known = f"; {len(read) - recorded} were there already" if recorded < len(read) else ""
    out.print(f"Recorded {recorded} preferences{known}.", highlight=False)
