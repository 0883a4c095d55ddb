"""Files to videos: which files are new, changed, moved or gone. Bytes are read only where size or time changed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from kernel.errors import ReelindexError
from kernel.identity import video_id_of
from lake.buckets import bucket_of
from lake.schema import FILES
from lake.store import Lake, in_list
from media.discover import FoundFile, discover
from media.errors import label
from stages.buffer import WriteBuffer
from stages.scope import Scope

FILES_PER_WRITE = 1000


class FileChanged(ReelindexError):
    """A file is no longer the one that was scanned, or is still being written."""

    transient = True


@dataclass(frozen=True, slots=True)
class FileChanges:
    """What a scan of some paths found, compared with what the lake knows of them.

    Attributes:
        to_read: Files that are new, or whose size or time changed.
        returned: Known files that had been missing and are back as they were.
        gone: Places under the scanned paths where a file was seen before and is none now.
        unchanged: Files that are as they were.
        ignored: Files that are not videos by their names, counted by extension.
        unreadable: Files and folders that could not be looked at, with the reason.
    """

    to_read: tuple[FoundFile, ...]
    returned: tuple[FoundFile, ...]
    gone: tuple[str, ...]
    unchanged: int
    ignored: dict[str, int]
    unreadable: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether the lake knows everything that the scan found."""
        return not (self.to_read or self.returned or self.gone)


@dataclass(frozen=True, slots=True)
class ScanReport:
    """What a scan wrote."""

    read: int
    unchanged: int
    gone: int
    ignored: dict[str, int]
    unreadable: tuple[str, ...]


def compare(lake: Lake, paths: Sequence[Path]) -> FileChanges:
    """Looks at names, sizes and times alone: no file is opened.

    Raises:
        MediaError: One of the paths does not exist.
    """
    found = discover(paths)
    files = [file for file in found.files if _is_text(file.path)]
    nameless = [file.path for file in found.files if not _is_text(file.path)]
    known = {row["uri"]: row for row in lake.read(FILES.name, ["uri", "size_bytes", "mtime_ns", "missing"]).to_pylist()}
    to_read, returned, unchanged = [], [], 0
    for file in files:
        row = known.get(str(file.path))
        if row is None or (row["size_bytes"], row["mtime_ns"]) != (file.size_bytes, file.mtime_ns):
            to_read.append(file)
        elif row["missing"]:
            returned.append(file)
        else:
            unchanged += 1
    present = {str(file.path) for file in files}
    gone = [uri for uri, row in known.items() if not row["missing"] and uri not in present and _is_under(uri, paths)]
    unreadable = (
        *(str(error) for error in found.unreadable),
        *(f"{label(path)}: its path is not UTF-8. Rename the file or its folder." for path in nameless),
    )
    return FileChanges(tuple(to_read), tuple(returned), tuple(sorted(gone)), unchanged, dict(found.ignored), unreadable)


def scan(scope: Scope, paths: Sequence[Path]) -> ScanReport:
    """Enters new and changed files under the digest of their bytes, and marks those that are gone.

    A video whose file is gone stays: it is marked here and removed only on demand.
    """
    changes = compare(scope.lake, paths)
    unreadable = list(changes.unreadable)
    read = 0
    total_mb = sum(file.size_bytes for file in changes.to_read) / 1e6
    with (
        scope.progress.task("reading files", total_mb, "MB") as advance,
        WriteBuffer(partial(scope.lake.upsert, FILES), max_weight=FILES_PER_WRITE) as buffer,
    ):
        for file in changes.to_read:
            try:
                row = _row(file)
            except (OSError, FileChanged) as error:
                unreadable.append(f"{file.path}: {error.strerror if isinstance(error, OSError) else error.what}")
            else:
                buffer.add(row)
                read += 1
            advance(file.size_bytes / 1e6)
    _set_missing(scope.lake, [str(file.path) for file in changes.returned], missing=False)
    _set_missing(scope.lake, changes.gone, missing=True)
    if changes.to_read or changes.returned:
        _readmit(scope)
    return ScanReport(read, changes.unchanged, len(changes.gone), changes.ignored, tuple(unreadable))


def locate(lake: Lake, video_ids: Sequence[str]) -> dict[str, Path | FileChanged]:
    """For each video a file that has the size and time it was read with, or the error that says why there is none.

    Without this check a file that was overwritten since the scan would be decoded under its old content's name.
    """
    columns = ["uri", "video_id", "size_bytes", "mtime_ns"]
    rows = lake.read(FILES.name, columns, in_list("video_id", video_ids)).to_pylist()
    places: dict[str, Path | FileChanged] = {
        video_id: FileChanged("no file with this content is left.", where=video_id, remedy="Ingest its folder again.")
        for video_id in video_ids
    }
    for row in sorted(rows, key=lambda row: str(row["uri"]), reverse=True):
        if _is_as_scanned(row):
            places[row["video_id"]] = Path(row["uri"])
        elif not isinstance(places[row["video_id"]], Path):
            places[row["video_id"]] = FileChanged(
                "the file was changed or removed after it was scanned.", where=row["uri"], remedy="Ingest it again."
            )
    return places


def _row(file: FoundFile) -> dict[str, Any]:
    video_id = video_id_of(file.path)
    after = file.path.stat()
    if (after.st_size, after.st_mtime_ns) != (file.size_bytes, file.mtime_ns):
        raise FileChanged("it is still being written; the next scan takes it.", where=str(file.path))
    return {
        "uri": str(file.path),
        "video_id": video_id,
        "bucket": bucket_of(video_id),
        "size_bytes": file.size_bytes,
        "mtime_ns": file.mtime_ns,
        "missing": False,
        "seen_at": datetime.now(UTC),
    }


def _set_missing(lake: Lake, uris: Sequence[str], *, missing: bool) -> None:
    if uris:
        lake.table(FILES.name).update(where=in_list("uri", uris), values={"missing": missing})


def _readmit(scope: Scope) -> None:
    """Takes out of quarantine the videos that are in it for want of a file, where there is one again."""
    aside = scope.failures.all(quarantined_only=True)
    fileless = sorted({failure.video_id for failure in aside if failure.error == FileChanged.__name__})
    if fileless:
        back = scope.lake.read(FILES.name, ["video_id"], f"NOT missing AND {in_list('video_id', fileless)}")
        scope.failures.retry(video_ids=sorted(set(back["video_id"].to_pylist())))


def _is_as_scanned(row: dict[str, Any]) -> bool:
    try:
        now = os.stat(row["uri"])
    except OSError:
        return False
    return (now.st_size, now.st_mtime_ns) == (row["size_bytes"], row["mtime_ns"])


def _is_under(uri: str, paths: Sequence[Path]) -> bool:
    # Without `..`, as the files were found: a path object keeps it, because of links.
    return any(Path(uri).is_relative_to(os.path.abspath(path)) for path in paths)


def _is_text(path: Path) -> bool:
    """Whether a path can be stored as text; the bytes of a file name may be anything."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True
