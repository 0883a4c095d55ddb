from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lake.failures import Failures
from lake.planning import Plan
from lake.query_log import QueryLog
from lake.schema import VIDEOS
from lake.store import Lake
from stages.allowance import Allowance, Reach
from stages.priority import by_priority
from stages.scope import Scope

FIRST = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Three videos; `b` was seen last."""
    lake = Lake(tmp_path / "lake")
    rows = [
        {
            "video_id": name,
            "bucket": name * 2,
            "size_bytes": 1,
            "container": "mp4",
            "video_codec": "h264",
            "width": 1,
            "height": 1,
            "rotation": 0,
            "has_audio": False,
            "first_seen_at": FIRST + timedelta(days=days),
        }
        for name, days in (("a", 0), ("b", 2), ("c", 1))
    ]
    lake.upsert(VIDEOS, rows)
    return lake


def test_what_is_found_most_comes_first_then_the_newest_video_in_the_order_of_time(lake: Lake) -> None:
    subjects = ["a-0-900", "a-900-1000", "b-1000-2000", "b-900-1000", "c-0-1"]
    newest_first = ("b-900-1000", "b-1000-2000", "c-0-1", "a-0-900", "a-900-1000")
    assert by_priority(lake, subjects) == newest_first
    QueryLog(lake).enter("dog", 1, ["a-900-1000"])
    assert by_priority(lake, subjects) == ("a-900-1000", *newest_first[:4])
    assert by_priority(lake, ["a", "b", "c"]) == ("b", "c", "a")
    assert by_priority(lake, []) == ()


def test_a_run_takes_on_what_its_reach_and_allowance_leave(lake: Lake) -> None:
    plan = Plan(new=("a-0-1", "b-0-1"), stale=("c-0-1",))

    def taken(reach: Reach, most: int | None) -> tuple[str, ...]:
        scope = Scope(lake, Failures(lake, max_attempts=1), reach=reach, allowance=Allowance(most))
        return scope.segments_to_do(plan)

    assert taken(Reach.EVERYTHING, None) == ("a-0-1", "b-0-1", "c-0-1")
    assert taken(Reach.EVERYTHING, 2) == ("b-0-1", "c-0-1")
    assert taken(Reach.NEW, None) == ("a-0-1", "b-0-1")
    assert taken(Reach.NEW, 1) == ("b-0-1",)
    assert Allowance(100).max_videos == 5
    assert Allowance(1).max_videos == 1
