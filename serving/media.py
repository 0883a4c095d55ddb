"""Pictures of segments and the videos themselves: only what the lake knows, found by id and never by path."""

from __future__ import annotations

import re
from pathlib import Path

from kernel.errors import ReelindexError
from kernel.identity import VIDEO_ID_DIGITS
from lake.keyframes import middle_pictures
from lake.schema import FILES
from lake.store import Lake, in_list

_VIDEO = re.compile(f"[0-9a-f]{{{VIDEO_ID_DIGITS}}}")
_SEGMENT = re.compile(rf"{_VIDEO.pattern}-\d{{1,19}}-\d{{1,19}}")
TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/mp4",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".ogv": "video/ogg",
    ".avi": "video/x-msvideo",
}


class NotThere(ReelindexError):
    """There is no such segment or video, or its file is gone."""


def picture_of(lake: Lake, segment_id: str) -> bytes:
    """The middle keyframe of a segment, a JPEG.

    Raises:
        NotThere: There is no such segment, or it has no picture.
    """
    if not _SEGMENT.fullmatch(segment_id):
        raise NotThere("there is no such segment.")
    picture = middle_pictures(lake, [segment_id]).get(segment_id)
    if picture is None:
        raise NotThere("this segment has no picture.")
    return picture


def file_of(lake: Lake, video_id: str) -> Path:
    """A file of a video that is there.

    Raises:
        NotThere: There is no such video, or none of its files is where it was seen.
    """
    if not _VIDEO.fullmatch(video_id):
        raise NotThere("there is no such video.")
    rows = lake.read(FILES.name, ["uri", "missing", "size_bytes"], in_list("video_id", [video_id])).to_pylist()
    for row in sorted(rows, key=lambda row: (row["missing"], row["uri"])):
        place = Path(row["uri"])
        # Another file may lie there by now: it is not what was searched.
        if place.is_file() and place.stat().st_size == row["size_bytes"]:
            return place
    raise NotThere("the file of this video is not where it was seen.")


def media_type(place: Path) -> str:
    """What a browser is told that a file is."""
    return TYPES.get(place.suffix.lower(), "application/octet-stream")
