"""Pairs that a person wrote down: a sentence, the video it is about, and the second if they know it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kernel.progress import Progress
from lake.schema import SEGMENTS
from lake.store import Lake, in_list
from quality.evaluation_set import video_ids
from training.errors import BadPairs
from training.gathering import Item, Sentence, gather
from training.pairs import TrainingSet

COLUMNS = ("text", "video_path")
SECOND, LABEL = "start_s", "label"
_REMEDY = f"Its first line names the columns {', '.join(COLUMNS)}, and if you know them {SECOND} and {LABEL}."


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    text: str
    video_path: str
    start_s: float | None
    label: str


def pairs_from_csv(
    lake: Lake, path: Path, tower: str, out: Path, *, cache_dir: Path | None, progress: Progress
) -> TrainingSet:
    """The training set of a CSV file with the columns `text`, `video_path` and, where known, `start_s` and `label`.

    A sentence with a second is about the segment that is shown then; one without is about the whole video. A label is
    the item's class: nothing learns from it, and zero-shot classification is measured by it.

    Args:
        lake: Where the videos are.
        path: A `video_path` in it is relative to its folder, or absolute.
        tower: The reference of the frozen model that sees the keyframes.
        out: A folder that the arrays are written to.
        cache_dir: Where the sentences' vectors are kept.
        progress: Shows how many items have been seen.

    Raises:
        BadPairs: The file cannot be read, lacks a column, has a row that says nothing or names a second beyond the
            video, or more than half of its videos are not in the lake.
        UnknownModel, WeightsMissing: There is no such tower here.
    """
    rows = _read(path)
    ids = video_ids(lake, path.parent, [row.video_path for row in rows])
    known = [row for row in rows if row.video_path in ids]
    if 2 * len(known) < len(rows):
        lost = next(row for row in rows if row.video_path not in ids)
        raise BadPairs(
            f"{len(rows) - len(known)} of {len(rows)} rows name a video that is not in the lake, for instance "
            f"{lost.video_path} in line {lost.line}.",
            where=str(path),
            remedy="Ingest the videos first, or correct the paths: they are relative to the file.",
        )
    segments = _segments(lake, sorted(set(ids.values())))
    items: dict[str, Item] = {}
    for row in known:
        item = _item(row, ids[row.video_path], segments[ids[row.video_path]], path)
        there = items.get(item.name)
        items[item.name] = item if there is None else _joined(there, item)
    return gather(lake, list(items.values()), tower, out, cache_dir=cache_dir, progress=progress)


def _joined(there: Item, more: Item) -> Item:
    return replace(there, sentences=(*there.sentences, *more.sentences), label=there.label or more.label)


def _item(row: _Row, video_id: str, segments: Sequence[dict[str, Any]], path: Path) -> Item:
    said = (Sentence(row.text, "csv"),)
    if row.start_s is None:
        return Item(video_id, video_id, tuple(segment["segment_id"] for segment in segments), said, row.label)
    at_ms = 1000 * row.start_s
    for segment in segments:
        if segment["start_ms"] <= at_ms < segment["end_ms"]:
            return Item(segment["segment_id"], video_id, (segment["segment_id"],), said, row.label)
    end_s = segments[-1]["end_ms"] / 1000 if segments else 0.0
    raise BadPairs(
        f"second {row.start_s:g} is not within the video, which ends at {end_s:g} s.",
        where=f"{path}, line {row.line}",
    )


def _segments(lake: Lake, video_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    columns = ["segment_id", "video_id", "start_ms", "end_ms"]
    rows = lake.read(SEGMENTS.name, columns, in_list("video_id", video_ids)).sort_by("start_ms").to_pylist()
    found: dict[str, list[dict[str, Any]]] = {video_id: [] for video_id in video_ids}
    for row in rows:
        found[row["video_id"]].append(row)
    return found


def _read(path: Path) -> list[_Row]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise BadPairs(f"the columns {', '.join(missing)} are missing.", where=str(path), remedy=_REMEDY)
            rows = [_row(row, f"{path}, line {reader.line_num}", reader.line_num) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadPairs(f"it cannot be read: {error}.", where=str(path), remedy=_REMEDY) from error
    if not rows:
        raise BadPairs("it has no rows.", where=str(path), remedy=_REMEDY)
    return rows


def _row(row: dict[str, Any], where: str, line: int) -> _Row:
    text, video_path, second, label = ((row.get(name) or "").strip() for name in (*COLUMNS, SECOND, LABEL))
    if not text or not video_path:
        raise BadPairs("a text or a path is empty.", where=where)
    try:
        return _Row(line, text, video_path, float(second) if second else None, label)
    except ValueError as error:
        raise BadPairs(f"`{SECOND}` is {second!r}, not a number of seconds.", where=where) from error
