"""Where the videos lie."""

from __future__ import annotations

from collections.abc import Sequence

from lake.schema import FILES
from lake.store import Lake, in_list


def first_uris(lake: Lake, video_ids: Sequence[str], *, preferred_prefix: str = "") -> dict[str, str]:
    """One place for each video, as long as one is known.

    A place that is still there comes before one that is not, then one that begins with `preferred_prefix` before
    others, then the alphabetically first.
    """
    if not video_ids:
        return {}
    where = in_list("video_id", sorted(set(video_ids)))
    rows = lake.read(FILES.name, ["video_id", "uri", "missing"], where).to_pylist()
    rows.sort(key=lambda row: (row["missing"], not row["uri"].startswith(preferred_prefix), row["uri"]), reverse=True)
    return {row["video_id"]: row["uri"] for row in rows}
