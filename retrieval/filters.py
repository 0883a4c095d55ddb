"""Filters of a search, compiled to a condition that every leg applies before it ranks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from kernel.identity import VIDEO_ID_DIGITS
from lake.schema import DECODES, FILES, TRANSCRIPTS
from lake.store import Lake, in_list, quote
from retrieval.errors import FilterError

MATCHES_NOTHING = "false"
"""The condition of filters that no video meets."""

_VIDEO_ID = re.compile(f"[0-9a-f]{{{VIDEO_ID_DIGITS}}}")
_LANGUAGE = re.compile("[a-z]{2,3}")
_MAX_MS = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Filters:
    """What a segment must meet to be found; None asks nothing. All that are given must be met.

    Attributes:
        video_ids: Only these videos. No ids match no video.
        uri_prefix: Only videos with a known place that begins with this text. A folder ends in a slash.
        language: Only videos that are spoken in this language, an ISO 639 code in lower case, such as `en`.
        min_duration_ms: Only videos at least this long.
        max_duration_ms: Only videos at most this long.
        start_ms: Only segments that end after this time of their video.
        end_ms: Only segments that start before this time of their video.

    Raises:
        FilterError: A value of the wrong kind, a negative time, a range that ends before it starts, an id that is not
            one, a language that is not a code.
    """

    video_ids: tuple[str, ...] | None = None
    uri_prefix: str | None = None
    language: str | None = None
    min_duration_ms: int | None = None
    max_duration_ms: int | None = None
    start_ms: int | None = None
    end_ms: int | None = None

    def __post_init__(self) -> None:
        if self.video_ids is not None:
            _check_video_ids(self.video_ids)
        if self.uri_prefix is not None:
            _check_uri_prefix(self.uri_prefix)
        if self.language is not None:
            _check_language(self.language)
        for name in ("min_duration_ms", "max_duration_ms", "start_ms", "end_ms"):
            _check_time(name, getattr(self, name))
        if _ends_before(self.min_duration_ms, self.max_duration_ms):
            raise FilterError("is less than min_duration_ms.", where="filter max_duration_ms")
        if self.end_ms == 0 or _ends_before(self.start_ms, self.end_ms, may_be_equal=False):
            raise FilterError("must be later than start_ms.", where="filter end_ms")

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked."""
        return self == Filters()


def compile_prefilter(filters: Filters, lake: Lake) -> str | None:
    """The filters as one SQL condition on the columns that every leg has: `video_id`, `start_ms`, `end_ms`.

    What is asked of a whole video is answered here, once, from the small tables that know it.

    Returns:
        None when nothing is asked; `MATCHES_NOTHING` when no video meets what is.
    """
    if filters.is_empty:
        return None
    conditions = []
    if filters.start_ms is not None:
        conditions.append(f"end_ms > {filters.start_ms}")
    if filters.end_ms is not None:
        conditions.append(f"start_ms < {filters.end_ms}")
    videos = _matching_videos(filters, lake)
    if videos is not None:
        if not videos:
            return MATCHES_NOTHING
        conditions.append(in_list("video_id", sorted(videos)))
    return " AND ".join(conditions)


def narrowed(where: str | None, segment_ids: Sequence[str]) -> str:
    """A condition and, beside it, that a segment is one of some."""
    if not segment_ids:
        return MATCHES_NOTHING
    among = in_list("segment_id", segment_ids)
    return among if where is None else f"({where}) AND {among}"


def _matching_videos(filters: Filters, lake: Lake) -> set[str] | None:
    """The videos that meet everything that is asked of a whole video, or None when nothing is."""
    found: list[set[str]] = []
    if filters.video_ids is not None:
        found.append(set(filters.video_ids))
    if filters.uri_prefix is not None:
        found.append(_video_ids(lake, FILES.name, f"starts_with(uri, {quote(filters.uri_prefix)})"))
    if filters.language is not None:
        found.append(_video_ids(lake, TRANSCRIPTS.name, f"language = {quote(filters.language)}"))
    durations = []
    if filters.min_duration_ms is not None:
        durations.append(f"duration_ms >= {filters.min_duration_ms}")
    if filters.max_duration_ms is not None:
        durations.append(f"duration_ms <= {filters.max_duration_ms}")
    if durations:
        found.append(_video_ids(lake, DECODES.name, " AND ".join(durations)))
    return set.intersection(*found) if found else None


def _video_ids(lake: Lake, table: str, where: str) -> set[str]:
    return set(lake.read(table, ["video_id"], where)["video_id"].to_pylist())


def _check_video_ids(video_ids: object) -> None:
    if not isinstance(video_ids, tuple):
        raise FilterError("must be a tuple of video ids.", where="filter video_ids")
    for video_id in video_ids:
        if not isinstance(video_id, str) or not _VIDEO_ID.fullmatch(video_id):
            raise FilterError(
                f"{video_id!r} is not a video's id: {VIDEO_ID_DIGITS} hex digits in lower case.",
                where="filter video_ids",
            )


def _check_uri_prefix(prefix: object) -> None:
    if not isinstance(prefix, str) or not prefix:
        raise FilterError("must be the beginning of a path.", where="filter uri_prefix")
    if not prefix.isprintable():
        raise FilterError(f"{prefix!r} has characters that no path here can have.", where="filter uri_prefix")


def _check_language(language: object) -> None:
    if not isinstance(language, str) or not _LANGUAGE.fullmatch(language):
        raise FilterError(
            f"{language!r} is not a code of two or three small letters, such as en.", where="filter language"
        )


def _check_time(name: str, value: object) -> None:
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MAX_MS:
        raise FilterError(f"must be a whole number of milliseconds from 0, not {value!r}.", where=f"filter {name}")


def _ends_before(start: int | None, end: int | None, *, may_be_equal: bool = True) -> bool:
    if start is None or end is None:
        return False
    return end < start if may_be_equal else end <= start
