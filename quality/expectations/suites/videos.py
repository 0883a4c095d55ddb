"""Videos: what their containers say, where they are, and whether they could be read."""

from __future__ import annotations

from lake.sql import SqlSession
from quality.expectations.facts import Facts
from quality.expectations.requirement import Requirement
from quality.expectations.suites.references import ONE_ROW, copies

MAX_DAMAGED_SHARE = 0.05

REQUIREMENTS = (
    ONE_ROW,
    Requirement(
        "bucket",
        "A video is in the bucket that its name begins with.",
        "wrong_bucket",
        0,
        0,
        "A run would never look for it there: delete the row and run `reelindex ingest` again.",
    ),
    Requirement(
        "picture_size",
        "A picture has at least one pixel each way.",
        "short_side_px",
        1,
        None,
        "The container lies about its picture, or the row was damaged: delete it and ingest the file again.",
    ),
    Requirement(
        "place",
        "A file with these bytes is still where it was seen.",
        "places",
        1,
        None,
        "It stays searchable and cannot be played. Ingest the folder that it went to, or delete it.",
        severity="warn",
    ),
    Requirement(
        "decoded",
        "A video was cut into segments, or set aside with the reason.",
        "waiting",
        0,
        0,
        "Run `reelindex ingest` on its folder.",
        severity="warn",
    ),
    Requirement(
        "damage",
        "At most 5 % of a video's frames had to be repaired by guessing.",
        "damaged_share",
        None,
        MAX_DAMAGED_SHARE,
        "Its pictures may show what was never filmed: look at it, and fetch the file again.",
        severity="warn",
    ),
)

_FACTS = f"""
WITH place AS (SELECT video_id, count(*) FILTER (NOT missing) AS places FROM files GROUP BY video_id)
SELECT
    v.video_id AS id,
    {copies("v.video_id")} AS copies,
    (NOT starts_with(v.video_id, v.bucket))::INT AS wrong_bucket,
    least(v.width, v.height) AS short_side_px,
    coalesce(p.places, 0) AS places,
    (d.video_id IS NULL AND v.video_id NOT IN (SELECT video_id FROM failures WHERE quarantined))::INT AS waiting,
    coalesce(d.frames_damaged / greatest(d.frames, 1), 0) AS damaged_share
FROM videos v LEFT JOIN place p USING (video_id) LEFT JOIN decodes d USING (video_id)
"""


def facts(sql: SqlSession) -> Facts:
    """One row a video."""
    return Facts.of("videos", sql.table(_FACTS))
