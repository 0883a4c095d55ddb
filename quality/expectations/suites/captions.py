"""Captions: words for every segment, that are not the same for everything."""

from __future__ import annotations

from lake.sql import SqlSession
from quality.expectations.facts import Facts
from quality.expectations.requirement import Requirement
from quality.expectations.suites.references import KNOWN_SEGMENT, ONE_ROW, copies, lost

MAX_EMPTY_SHARE = 0.9
MAX_SAME_SHARE = 0.5
MIN_CAPTIONS = 20
"""Captions that a judgement about all of them needs."""
MIN_NEW_WORDS = 0.34
_CAPTIONER = (
    "Look at some in the web UI (asset `captions`); another `models.captioner` may know what this corpus shows."
)

REQUIREMENTS = (
    ONE_ROW,
    KNOWN_SEGMENT,
    Requirement(
        "repetition",
        "A caption does not say the same word over and over: a third of its words are different ones.",
        "new_words_share",
        MIN_NEW_WORDS,
        None,
        _CAPTIONER,
        severity="warn",
    ),
    Requirement(
        "empty",
        "One segment of ten, or more, has a caption.",
        "empty_share",
        None,
        MAX_EMPTY_SHARE,
        _CAPTIONER,
        severity="warn",
        of="table",
    ),
    Requirement(
        "variety",
        "No caption stands for more than half of all segments that have one.",
        "most_common_share",
        None,
        MAX_SAME_SHARE,
        _CAPTIONER,
        severity="warn",
        of="table",
    ),
)

_FACTS = f"""
SELECT
    segment_id AS id,
    {copies("segment_id")} AS copies,
    {lost("c", "captions")} AS lost,
    CASE WHEN len(words) < 6 THEN 1 ELSE len(list_distinct(words)) / len(words) END AS new_words_share
FROM (SELECT segment_id, video_id, string_split_regex(lower(trim(text)), '\\W+') AS words FROM captions) c
"""
_COMMON = "SELECT text, count(*) AS n FROM captions GROUP BY text ORDER BY text = '' DESC, n DESC, text"


def facts(sql: SqlSession) -> Facts:
    """One row a caption; of all: the share of empty ones, and of the most common one among the others."""
    counts = sql.table(f"{_COMMON} LIMIT 2").to_pylist()
    answer = sql.table(_FACTS)
    empty = sum(row["n"] for row in counts if not row["text"])
    common = next((row for row in counts if row["text"]), None)
    full = answer.num_rows - empty
    enough = answer.num_rows >= MIN_CAPTIONS
    return Facts.of(
        "captions",
        answer,
        {
            "empty_share": empty / answer.num_rows if enough else None,
            "most_common_share": common["n"] / full if common and full >= MIN_CAPTIONS else None,
        },
        {"most_common_share": (f"“{common['text']}”",) if common else ()},
    )
