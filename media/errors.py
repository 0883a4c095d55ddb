"""What can go wrong between a file and its pictures and sound, said so that a person can act on it."""

from __future__ import annotations

import os
from pathlib import Path

from kernel.errors import ReelindexError

_CHECK_OR_CONVERT = "Play the file to check it, or convert it again."


class MediaError(ReelindexError):
    """A media file that gave no result. `where` is the file's name."""


class FileUnavailable(MediaError):
    """The file cannot be opened at all: gone, not permitted, or its disk does not answer. It may come back."""

    transient = True


class UnreadableVideo(MediaError):
    """The bytes are not a video that can be decoded: not a video, no video stream, no decoder, or corrupt."""


class TruncatedVideo(MediaError):
    """Clearly less can be read than the container promises."""


class NoSound(MediaError):
    """A sound track was asked for and the file has none."""


class DecodeStalled(MediaError):
    """The decoder was stopped because it made no progress, or took longer than any sound file would."""

    transient = True


class DecodeOutOfMemory(MediaError):
    """The decoder needed more memory than it is allowed. The same limit gives the same end: not transient."""


class SoundNotWritten(MediaError):
    """The sound was decoded, but its file could not be written: no space, no such folder."""

    transient = True


class WorkerDied(MediaError):
    """The process that decoded the file ended by itself, for instance by a crash in native code."""

    transient = True


def label(path: Path) -> str:
    """A file's name as it can be printed anywhere: bytes that are no text, and line breaks, are escaped."""
    text = os.fsencode(path.name).decode(errors="backslashreplace")
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def unavailable(path: Path, cause: OSError) -> FileUnavailable:
    """The error for a file that the operating system does not hand out."""
    reason = cause.strerror or str(cause)
    return FileUnavailable(
        f"cannot be opened: {reason[:1].lower()}{reason[1:]}.",
        where=label(path),
        remedy="Check that the file is there and that you may read it.",
    )


def truncated(path: Path, *, promised_us: int, read_us: int, what: str = "the container") -> TruncatedVideo:
    """The error for a file that ends before its promised duration."""
    return TruncatedVideo(
        f"truncated: {what} promises {promised_us / 1e6:.1f} s, only {read_us / 1e6:.1f} s can be read.",
        where=label(path),
        remedy="Copy the file again from its source.",
    )


def unreadable(path: Path, reason: str, remedy: str = _CHECK_OR_CONVERT) -> UnreadableVideo:
    """The error for bytes that do not decode."""
    return UnreadableVideo(reason, where=label(path), remedy=remedy)
