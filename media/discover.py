"""Paths -> the files in them that look like videos."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from media.errors import FileUnavailable, unavailable

VIDEO_EXTENSIONS = frozenset(
    f".{name}"
    for names in (
        ("3g2", "3gp", "asf", "avi", "divx", "dv", "f4v", "flv", "gif", "m1v", "m2t", "m2ts", "m2v", "m4v"),
        ("mjpeg", "mjpg", "mkv", "mov", "mp4", "mpe", "mpeg", "mpg", "mpv", "mts", "mxf", "nut", "ogg", "ogm"),
        ("ogv", "qt", "rm", "rmvb", "ts", "vob", "webm", "wmv", "wtv", "y4m"),
    )
    for name in names
)


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file, by its absolute path, with what tells a change without reading it."""

    path: Path
    size_bytes: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found, in order of path, and what was not taken.

    `ignored` counts files by lower-case extension (`""` for none); `unreadable` are folders and files that could
    not be looked at.
    """

    files: tuple[FoundFile, ...]
    ignored: Mapping[str, int]
    unreadable: tuple[FileUnavailable, ...]


def discover(paths: Sequence[Path]) -> Discovery:
    """Look through folders for videos, by their names alone.

    Folders are searched to the bottom; hidden files and folders are left out, and `.ts` files that are program
    text; links are followed, but into no folder twice. A file that is named itself is always taken.

    Raises:
        FileUnavailable: A given path does not exist or may not be read; the message names it.
    """
    search = _Search()
    for path in paths:
        search.given(path)
    return search.result()


class _Search:
    def __init__(self) -> None:
        self._found: dict[Path, FoundFile] = {}
        self._ignored: Counter[str] = Counter()
        self._unreadable: list[FileUnavailable] = []
        self._folders_seen: set[tuple[int, int]] = set()

    def given(self, path: Path) -> None:
        absolute = Path(os.path.abspath(path))
        try:
            status = absolute.stat()
            if stat.S_ISDIR(status.st_mode):
                os.scandir(absolute).close()
        except OSError as cause:
            raise FileUnavailable(
                f"cannot be read: {(cause.strerror or str(cause)).lower()}.",
                where=str(path),
                remedy="Check the path.",
            ) from cause
        if stat.S_ISDIR(status.st_mode):
            for file in self._walk(absolute):
                self._consider(file)
        elif stat.S_ISREG(status.st_mode):
            self._take(absolute, status)
        else:
            raise FileUnavailable("is neither a file nor a folder.", where=str(path), remedy="Check the path.")

    def result(self) -> Discovery:
        files = tuple(self._found[path] for path in sorted(self._found))
        return Discovery(files, MappingProxyType(dict(sorted(self._ignored.items()))), tuple(self._unreadable))

    def _walk(self, folder: Path) -> Iterator[Path]:
        pending = [folder]
        while pending:
            current = pending.pop()
            try:
                status = current.stat()
                identity = (status.st_dev, status.st_ino)
                if identity in self._folders_seen:
                    continue
                self._folders_seen.add(identity)
                with os.scandir(current) as entries:
                    visible = sorted((entry for entry in entries if not entry.name.startswith(".")), key=_name)
                for entry in visible:
                    if entry.is_dir():
                        pending.append(Path(entry.path))
                    else:
                        yield Path(entry.path)
            except OSError as cause:
                self._unreadable.append(unavailable(current, cause))

    def _consider(self, path: Path) -> None:
        extension = path.suffix.lower()
        if extension not in VIDEO_EXTENSIONS:
            self._ignored[extension] += 1
            return
        try:
            status = path.stat()
        except OSError as cause:
            self._unreadable.append(unavailable(path, cause))
            return
        if not stat.S_ISREG(status.st_mode):
            return
        if extension == ".ts" and not _is_transport_stream(path):
            self._ignored[extension] += 1
            return
        self._take(path, status)

    def _take(self, path: Path, status: os.stat_result) -> None:
        self._found[path] = FoundFile(path, status.st_size, status.st_mtime_ns)


def _is_transport_stream(path: Path) -> bool:
    """Tells video from TypeScript: packets of 188 bytes begin with 0x47 (ISO/IEC 13818-1)."""
    try:
        with path.open("rb") as stream:
            return stream.read(1) == b"\x47"
    except OSError:
        # Not readable is not the same as not a video: decoding will name the reason.
        return True


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name
