"""Segments: they cover their video, from its first millisecond to its last, and each has pictures of its own."""

from __future__ import annotations

from lake.sql import SqlSession
from quality.expectations.facts import Facts
from quality.expectations.requirement import Requirement
from quality.expectations.suites.references import KNOWN_VIDEO, ONE_ROW, copies

LONGEST_S = 60.0
_CUT_AGAIN = "Delete the video's row in `decodes` and run `reelindex ingest`: it is cut again."

REQUIREMENTS = (
    ONE_ROW,
    KNOWN_VIDEO,
    Requirement(
        "partition",
        "A segment begins where the one before it ends, the first at 0: no gap, no overlap.",
        "gap_ms",
        0,
        0,
        _CUT_AGAIN,
    ),
    Requirement("end", "The last segment ends where its video does.", "missing_end_ms", 0, 0, _CUT_AGAIN),
    Requirement("duration", "A segment lasts.", "duration_ms", 1, None, _CUT_AGAIN),
    Requirement("name", "A segment's name says its video and its times.", "misnamed", 0, 0, _CUT_AGAIN),
    Requirement("pictures", "A segment has at least one keyframe.", "keyframes", 1, None, _CUT_AGAIN),
    Requirement(
        "pictures_inside",
        "Its keyframes were first shown within its times, or it has one alone, that stood since before.",
        "keyframes_outside",
        0,
        0,
        _CUT_AGAIN,
    ),
    Requirement(
        "not_too_long",
        "A segment lasts a minute at most: a longer one is answered with a minute that nobody searched for.",
        "duration_ms",
        None,
        1000 * LONGEST_S,
        "Lower `segments.max_segment_s`.",
        severity="warn",
    ),
)

_FACTS = f"""
WITH
once AS (SELECT DISTINCT ON (segment_id) segment_id, video_id, start_ms, end_ms FROM segments),
ordered AS (
    SELECT
        segment_id,
        start_ms - coalesce(lag(end_ms) OVER of_video, 0) AS gap_ms,
        lead(segment_id) OVER of_video IS NULL AS is_last
    FROM once WINDOW of_video AS (PARTITION BY video_id ORDER BY start_ms, end_ms)
),
pictures AS (
    SELECT
        segment_id,
        count(*) AS keyframes,
        count(*) FILTER (pts_ms >= end_ms) + if(count(*) > 1, count(*) FILTER (pts_ms < start_ms), 0) AS outside
    FROM (SELECT segment_id, pts_ms FROM keyframes) JOIN once USING (segment_id) GROUP BY segment_id
)
SELECT
    s.segment_id AS id,
    {copies("s.segment_id")} AS copies,
    (s.video_id NOT IN (SELECT video_id FROM videos))::INT AS without_video,
    o.gap_ms,
    CASE WHEN o.is_last THEN coalesce(abs(d.duration_ms - s.end_ms), 0) ELSE 0 END AS missing_end_ms,
    s.end_ms - s.start_ms AS duration_ms,
    (s.segment_id <> format('{{}}-{{}}-{{}}', s.video_id, s.start_ms, s.end_ms))::INT AS misnamed,
    coalesce(p.keyframes, 0) AS keyframes,
    coalesce(p.outside, 0) AS keyframes_outside
FROM segments s
JOIN ordered o USING (segment_id)
LEFT JOIN pictures p USING (segment_id)
LEFT JOIN decodes d ON d.video_id = s.video_id
"""


def facts(sql: SqlSession) -> Facts:
    """One row a segment."""
    return Facts.of("segments", sql.table(_FACTS))
