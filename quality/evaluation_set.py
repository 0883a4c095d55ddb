"""Queries whose answers are known: what a person wrote down about their own corpus."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from kernel.errors import ReelindexError
from kernel.identity import video_id_of
from lake.query_log import QueryLog
from lake.schema import FILES, VIDEOS
from lake.store import Lake, in_list

COLUMNS = ("query", "video_path")


class BadEvaluationSet(ReelindexError):
    """The file of known queries cannot be used."""


@dataclass(frozen=True, slots=True)
class KnownQuery:
    """A query, the video that it should find, and what its author calls queries of its kind; empty without a name."""

    text: str
    video_id: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """The queries of a file whose videos are in the lake.

    Attributes:
        queries: In the order of the file.
        unknown: Paths in the file that name no video of the lake.
    """

    queries: tuple[KnownQuery, ...]
    unknown: tuple[str, ...]


def read_evaluation_set(path: Path, lake: Lake) -> EvaluationSet:
    """The queries of a CSV file with the columns `query` and `video_path`, and `kind` where it tells some apart.

    A path is relative to the file's folder, or absolute; it names a video by the place where the lake has seen it, or
    by its content where the file is there.

    Raises:
        BadEvaluationSet: It cannot be read, lacks a column, or has a row without a query or a path.
    """
    rows = list(_rows(path))
    ids = video_ids(lake, path.parent, [video_path for _, video_path, _ in rows])
    queries = [KnownQuery(text, ids[video_path], kind) for text, video_path, kind in rows if video_path in ids]
    return EvaluationSet(tuple(queries), tuple(sorted({video_path for _, video_path, _ in rows} - set(ids))))


def asked_texts(lake: Lake, path: Path | None) -> list[str]:
    """What is asked of a lake: the queries of a file, where there is one that can be read, then the latest searches."""
    known: tuple[KnownQuery, ...] = ()
    if path is not None:
        with suppress(BadEvaluationSet):  # the gate `retrieval` says so
            known = read_evaluation_set(path, lake).queries
    logged = (query.query for query in reversed(QueryLog(lake).recent()))
    return [text for text in dict.fromkeys((*(query.text for query in known), *logged)) if text.strip()]


def video_ids(lake: Lake, folder: Path, video_paths: Sequence[str]) -> dict[str, str]:
    """The videos that paths name, by path; a path that names none of the lake's is left out.

    Args:
        lake: Whose videos.
        folder: What relative paths are relative to.
        video_paths: Each names a video by the place where the lake has seen it, or by its content if the file is there.
    """
    places = {video_path: (folder / video_path).resolve() for video_path in video_paths}
    seen = lake.read(FILES.name, ["uri", "video_id"], in_list("uri", sorted(map(str, places.values())))).to_pylist()
    by_uri = {row["uri"]: row["video_id"] for row in seen}
    found = {video_path: by_uri.get(str(place)) or _by_content(place) for video_path, place in places.items()}
    wanted = sorted({video_id for video_id in found.values() if video_id})
    known = set(lake.read(VIDEOS.name, ["video_id"], in_list("video_id", wanted))["video_id"].to_pylist())
    return {video_path: video_id for video_path, video_id in found.items() if video_id and video_id in known}


def _rows(path: Path) -> Iterator[tuple[str, str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise BadEvaluationSet(
                    f"the columns {', '.join(missing)} are missing.",
                    where=str(path),
                    remedy=f"Its first line names the columns {', '.join(COLUMNS)}.",
                )
            for row in reader:
                text, video_path = (row[column] or "" for column in COLUMNS)
                if not text.strip() or not video_path.strip():
                    raise BadEvaluationSet("a query or a path is empty.", where=f"{path}, line {reader.line_num}")
                yield text, video_path, (row.get("kind") or "").strip()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadEvaluationSet(f"it cannot be read: {error}.", where=str(path)) from error


def _by_content(place: Path) -> str | None:
    try:
        known_by = place.stat()
    except OSError:
        return None
    return _digest(place, known_by.st_size, known_by.st_mtime_ns) if place.is_file() else None


@lru_cache(maxsize=4096)
def _digest(place: Path, size_bytes: int, mtime_ns: int) -> str:
    del size_bytes, mtime_ns  # parts of the key: another content is digested again
    return video_id_of(place)
