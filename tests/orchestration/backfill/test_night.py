from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from orchestration.backfill.night import Grant, Spent, Window, grant
from settings.model import BackfillSettings

MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))
CLOCKS = st.integers(0, 24 * 60 - 1).map(lambda minute: f"{minute // 60:02d}:{minute % 60:02d}")


@given(CLOCKS, CLOCKS, MOMENTS)
def test_a_window_is_open_until_it_closes_and_belongs_to_one_night(opens: str, closes: str, now: datetime) -> None:
    window = Window.parse(f"{opens}-{closes}")
    closing = window.closes_at(now)
    if window.is_all_day:
        assert window.is_open(now)
        assert closing is None
        return
    assert closing is not None
    assert now < closing <= now + timedelta(days=1)
    assert not window.is_open(closing)
    if window.is_open(now):
        last = closing - timedelta(microseconds=1)
        assert window.is_open(last)
        assert window.night_of(now) == window.night_of(last)


@given(MOMENTS, st.integers(0, 200), st.floats(0, 200), st.integers(1, 100), st.floats(1, 100))
def test_a_night_never_gets_more_than_its_budget(
    now: datetime, done: int, minutes: float, most: int, most_minutes: float
) -> None:
    settings = BackfillSettings(chunk_segments=50, max_segments_per_night=most, max_minutes_per_night=most_minutes)
    granted = grant(settings, Spent(done, minutes), now)
    if done >= most or minutes >= most_minutes:
        assert isinstance(granted, str)
        assert "used up" in granted
        return
    assert isinstance(granted, Grant)
    assert 0 < granted.max_segments <= min(50, most - done)
    assert granted.deadline is not None
    assert now.timestamp() < granted.deadline <= now.timestamp() + 60 * (most_minutes - minutes) + 1e-3


def test_outside_its_window_nothing_is_granted_and_inside_until_it_closes() -> None:
    settings = BackfillSettings(window="22:00-06:00")
    assert grant(settings, Spent(), datetime(2026, 1, 1, 12, tzinfo=UTC)) == "outside the window 22:00-06:00"
    granted = grant(settings, Spent(), datetime(2026, 1, 2, 1, tzinfo=UTC))
    assert granted == Grant(settings.chunk_segments, datetime(2026, 1, 2, 6, tzinfo=UTC).timestamp())
