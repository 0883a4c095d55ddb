"""What is done first where not everything can be: what people find most often, then what came last."""

from __future__ import annotations

from collections.abc import Sequence

from lake.query_log import QueryLog
from lake.schema import VIDEOS
from lake.store import Lake


def by_priority(lake: Lake, subjects: Sequence[str]) -> tuple[str, ...]:
    """Videos or segments in the order in which they should be done.

    Those that were found most often come first; among equals the videos that were seen last, whole video by whole
    video, in the order of time.
    """
    if not subjects:
        return ()
    found = QueryLog(lake).times_found()
    videos = lake.read(VIDEOS.name, ["video_id", "first_seen_at"])
    seen_at = dict(zip(videos["video_id"].to_pylist(), videos["first_seen_at"].cast("int64").to_pylist(), strict=True))

    def place(subject: str) -> tuple[int, int, str, tuple[int, ...]]:
        video_id, *times = subject.split("-")
        return -found.get(subject, 0), -seen_at.get(video_id, 0), video_id, tuple(map(int, times))

    return tuple(sorted(subjects, key=place))
