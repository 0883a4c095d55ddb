"""What was read on the pictures."""

from __future__ import annotations

from lake.sql import SqlSession
from quality.expectations.facts import Facts
from quality.expectations.suites.references import KNOWN_SEGMENT, ONE_ROW, copies, lost

REQUIREMENTS = (ONE_ROW, KNOWN_SEGMENT)

_FACTS = f"""
SELECT segment_id AS id, {copies("segment_id")} AS copies, {lost("t", "screen_texts")} AS lost FROM screen_texts t
"""


def facts(sql: SqlSession) -> Facts:
    """One row a segment that was read."""
    return Facts.of("screen_texts", sql.table(_FACTS))
