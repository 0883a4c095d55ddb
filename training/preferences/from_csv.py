"""Preferences that somebody wrote down, or exported from another program, as a CSV file."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from kernel.identity import VIDEO_ID_DIGITS
from lake.schema import SEGMENTS, VIDEOS, TableSpec
from lake.store import Lake, in_list
from quality.evaluation_set import video_ids
from training.preferences.errors import BadJudgements
from training.preferences.judgements import Judgement, Shown, Unit

COLUMNS = ("query", "preferred", "rejected")
PLACES = ("position_preferred", "position_rejected")

_VIDEO_ID = re.compile(rf"[0-9a-f]{{{VIDEO_ID_DIGITS}}}")
_SEGMENT_ID = re.compile(rf"{_VIDEO_ID.pattern}-\d+-\d+")


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of the file: the query, the names of the two results, and their places where both are given."""

    line: int
    query: str
    names: tuple[str, str]
    ranks: tuple[int, int] | None


def read_csv(path: Path, lake: Lake) -> list[Judgement]:
    """The judgements of a file with the columns `query`, `preferred` and `rejected`, a pair a line.

    A result is a segment's id, a video's id, or the path of a video: absolute or relative to the file's folder, where
    the lake has seen it or where the file is. The columns `position_preferred` and `position_rejected`, from 1, may
    follow: a line that has them is taken as a click, whose place made it more or less likely; one without, as what
    somebody said after looking at both.

    Raises:
        BadJudgements: The file cannot be read or lacks a column, or a line is wrong; the line and the reason are named.
    """
    rows = list(_rows(path))
    known = _known_items({name for row in rows for name in row.names}, path.parent, lake)
    return [_judgement(row, known, path) for row in rows]


def _rows(path: Path) -> Iterator[_Row]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise BadJudgements(
                    f"the columns {', '.join(missing)} are missing.",
                    where=str(path),
                    remedy=f"Its first line names the columns {', '.join(COLUMNS)}; {', '.join(PLACES)} may follow.",
                )
            for row in reader:
                yield _row(row, reader.line_num, path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadJudgements(f"it cannot be read: {error}.", where=str(path)) from error


def _row(row: Mapping[str, str | None], line: int, path: Path) -> _Row:
    query, preferred, rejected = ((row[column] or "").strip() for column in COLUMNS)
    if not (query and preferred and rejected):
        raise _wrong("a query or a result is empty.", line, path)
    places = [(row.get(column) or "").strip() for column in PLACES]
    if not any(places):
        return _Row(line, query, (preferred, rejected), None)
    if not all(re.fullmatch("[1-9][0-9]{0,5}", place) for place in places):
        raise _wrong(f"{' and '.join(PLACES)} are whole numbers from 1, or both empty.", line, path)
    if int(places[0]) == int(places[1]):
        raise _wrong("two results cannot have had the same place.", line, path)
    return _Row(line, query, (preferred, rejected), (int(places[0]), int(places[1])))


def _known_items(names: set[str], folder: Path, lake: Lake) -> dict[str, str]:
    """The ids of those names that the lake knows."""
    segments = {name for name in names if _SEGMENT_ID.fullmatch(name)}
    videos = {name for name in names if _VIDEO_ID.fullmatch(name)}
    by_id = _present(lake, SEGMENTS, segments) | _present(lake, VIDEOS, videos)
    return video_ids(lake, folder, sorted(names - segments - videos)) | {name: name for name in by_id}


def _present(lake: Lake, table: TableSpec, ids: set[str]) -> set[str]:
    return set(lake.read(table.name, [table.key], in_list(table.key, sorted(ids)))[table.key].to_pylist())


def _judgement(row: _Row, known: Mapping[str, str], path: Path) -> Judgement:
    unknown = [name for name in row.names if name not in known]
    if unknown:
        raise _wrong(f"{' and '.join(unknown)}: there is no such segment or video in the lake.", row.line, path)
    preferred, rejected = (known[name] for name in row.names)
    units: list[Unit] = ["segment" if "-" in item else "video" for item in (preferred, rejected)]
    if units[0] != units[1]:
        raise _wrong("one result is a segment and the other a video; name two of a kind.", row.line, path)
    if preferred == rejected:
        raise _wrong("both results are the same.", row.line, path)
    shown = [_shown(rank, item) for rank, item in zip(row.ranks or (), (preferred, rejected), strict=False)]
    return Judgement(
        query=row.query,
        chosen=(preferred,),
        rejected=(rejected,),
        shown=tuple(sorted(shown, key=lambda one: one.rank)),
        kind="click" if row.ranks else "judgement",
        unit=units[0],
    )


def _shown(rank: int, item: str) -> Shown:
    video_id, dash, _ = item.partition("-")
    return Shown(rank, video_id, item if dash else "")


def _wrong(what: str, line: int, path: Path) -> BadJudgements:
    return BadJudgements(what, where=f"{path}, line {line}", remedy="Nothing of the file was taken in.")
