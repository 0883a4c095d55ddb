"""Rows that belong to nothing, told from rows that wait for what takes their place."""

from __future__ import annotations

from quality.expectations.requirement import Requirement

EVERY_SEGMENT = "SELECT segment_id, video_id FROM segments"

ONE_ROW = Requirement(
    "one_row",
    "No key is there twice.",
    "copies",
    1,
    1,
    "Delete the rows that are there twice (`lake.delete`) and run `reelindex ingest` again, which makes them anew.",
)
KNOWN_SEGMENT = Requirement(
    "known_segment",
    "Every row belongs to a segment, or its video waits for the values of a new cut.",
    "lost",
    0,
    0,
    "Run `reelindex ingest`, which removes what is left of former segments.",
)
KNOWN_VIDEO = Requirement(
    "known_video",
    "Every row belongs to a video.",
    "without_video",
    0,
    0,
    "Run `reelindex ingest`, which removes what belongs to no video.",
)


def lost(row: str, table: str, wanted: str = EVERY_SEGMENT) -> str:
    """The SQL of a fact: 1 for a row whose segment is not there, though its video lacks no value.

    A video that was cut again keeps the values of its former segments until those of the new ones are there.

    Args:
        row: What the statement calls a row.
        table: Where it is from.
        wanted: Selects the segments that should have a row, with their videos.
    """
    return f"""(
        {row}.segment_id NOT IN (SELECT segment_id FROM segments)
        AND {row}.video_id NOT IN (
            SELECT video_id FROM ({wanted}) WHERE segment_id NOT IN (SELECT segment_id FROM {table})
        )
    )::INT"""


def copies(key: str) -> str:
    """The SQL of a fact: how many rows have the same key."""
    return f"count(*) OVER (PARTITION BY {key})"
