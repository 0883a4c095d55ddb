"""How much of what is missing a run may do: which part, how many subjects, and until when."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum

SEGMENTS_OF_A_VIDEO = 20
"""A stage that opens videos takes so many times fewer subjects: each of them costs far more."""


class Reach(StrEnum):
    """Which part of a plan a run takes on."""

    EVERYTHING = "everything"
    """What is new and what another version left stale."""
    NEW = "new"
    """What has no value yet: the work of an ingest, beside which a backfill has all the time it needs."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one run may spend in each stage.

    Attributes:
        max_segments: Segments that a stage takes on; None for all. A stage whose subjects are videos takes a twentieth.
        deadline: Seconds since the epoch after which no stage begins another batch; None for never.
    """

    max_segments: int | None = None
    deadline: float | None = None

    def is_over(self) -> bool:
        """Whether the time is up."""
        return self.deadline is not None and time.time() >= self.deadline

    @property
    def max_videos(self) -> int | None:
        """The videos that a stage takes on."""
        return None if self.max_segments is None else max(1, self.max_segments // SEGMENTS_OF_A_VIDEO)


UNLIMITED = Allowance()
