"""When a backfill may work, and what a night has cost so far."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from settings.model import BackfillSettings


@dataclass(frozen=True, slots=True)
class Window:
    """A daily span of local time, `[opens, closes)`, that may cross midnight; open all day where the two are equal."""

    opens: time = time(0)
    closes: time = time(0)

    @classmethod
    def parse(cls, text: str) -> Window:
        """The window that `"22:00-06:00"` names; an empty text is open all day."""
        if not text:
            return cls()
        opens, closes = (time.fromisoformat(part) for part in text.split("-"))
        return cls(opens, closes)

    @property
    def is_all_day(self) -> bool:
        """Whether it never closes."""
        return self.opens == self.closes

    def night_of(self, now: datetime) -> date:
        """The day on which the night that `now` belongs to began."""
        crosses_midnight = self.closes < self.opens
        return now.date() - timedelta(days=1) if crosses_midnight and now.time() < self.closes else now.date()

    def is_open(self, now: datetime) -> bool:
        """Whether work may begin."""
        if self.is_all_day:
            return True
        if self.opens < self.closes:
            return self.opens <= now.time() < self.closes
        return now.time() >= self.opens or now.time() < self.closes

    def closes_at(self, now: datetime) -> datetime | None:
        """When the window that is open at `now` closes; None where it never does."""
        if self.is_all_day:
            return None
        closing = datetime.combine(now.date(), self.closes, tzinfo=now.tzinfo)
        return closing if closing > now else closing + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Spent:
    """What the backfill runs of a night have cost: subjects done, and minutes of running."""

    segments: int = 0
    minutes: float = 0.0

    @classmethod
    def sum(cls, runs: Iterable[Spent]) -> Spent:
        """All of them together."""
        every = list(runs)
        return cls(sum(run.segments for run in every), sum(run.minutes for run in every))


@dataclass(frozen=True, slots=True)
class Grant:
    """What the next run may do: subjects at most, and until when (seconds since the epoch; None: no end)."""

    max_segments: int
    deadline: float | None


def grant(settings: BackfillSettings, spent: Spent, now: datetime) -> Grant | str:
    """What the next run may do, or why there may be none now.

    Args:
        settings: Window, chunk and budget.
        spent: What this night has cost so far.
        now: The local time, with its zone.
    """
    window = Window.parse(settings.window)
    if not window.is_open(now):
        return f"outside the window {settings.window}"
    ends = []
    if (closing := window.closes_at(now)) is not None:
        ends.append(closing.timestamp())
    most = settings.chunk_segments
    if settings.max_segments_per_night is not None:
        most = min(most, settings.max_segments_per_night - spent.segments)
    if settings.max_minutes_per_night is not None:
        left = settings.max_minutes_per_night - spent.minutes
        if left <= 0:
            return f"this night's {settings.max_minutes_per_night:g} minutes are used up"
        ends.append(now.timestamp() + 60 * left)
    if most <= 0:
        return f"this night's {settings.max_segments_per_night:,} segments are used up"
    return Grant(most, min(ends) if ends else None)
