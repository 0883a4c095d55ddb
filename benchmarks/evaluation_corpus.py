"""Reading an evaluation corpus: reference words and queries beside the media.

A corpus is a folder with `manifest.csv` (columns `path` and `transcript` at least) and files of queries (columns
`query` and `video_path`). Paths are relative to the folder.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kernel.errors import ReelindexError

_NO_REFERENCE = ("[", "(")
"""A transcript in brackets is a machine's guess or a description, not what was said."""


class CorpusError(ReelindexError):
    """An evaluation corpus lacks a file or a column."""


@dataclass(frozen=True, slots=True)
class SpokenReference:
    """A recording and the words that a person says in it."""

    path: Path
    words: str


@dataclass(frozen=True, slots=True)
class LabelledQuery:
    """A query and the video it was written for; other videos may fit it too."""

    text: str
    video: Path


def spoken_references(corpus: Path, folder: str = "speech") -> list[SpokenReference]:
    """The recordings below `folder` whose transcript is a reference.

    Raises:
        CorpusError: There is no manifest, or it lacks a column.
    """
    rows = _rows(corpus / "manifest.csv", ("path", "transcript"))
    return [
        SpokenReference(corpus / row["path"], row["transcript"])
        for row in rows
        if row["path"].startswith(f"{folder}/") and _is_reference(row["transcript"])
    ]


def labelled_queries(corpus: Path, file_name: str) -> list[LabelledQuery]:
    """The queries of one file.

    Raises:
        CorpusError: The file is not there, or lacks a column.
    """
    rows = _rows(corpus / file_name, ("query", "video_path"))
    return [LabelledQuery(row["query"], corpus / row["video_path"]) for row in rows]


def _is_reference(transcript: str) -> bool:
    return bool(transcript) and not transcript.startswith(_NO_REFERENCE)


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    try:
        stream = path.open(encoding="utf-8", newline="")
    except OSError as error:
        raise CorpusError(f"cannot be read: {error.strerror}.", where=str(path)) from error
    with stream:
        reader = csv.DictReader(stream)
        missing = [column for column in columns if column not in (reader.fieldnames or ())]
        if missing:
            raise CorpusError(f"columns are missing: {', '.join(missing)}.", where=str(path))
        yield from reader
