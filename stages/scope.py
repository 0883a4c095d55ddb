"""What every stage is given: the lake, the part of it to work on, the book of failures, a place to show progress."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from kernel.progress import Progress, Silent
from lake.buckets import BucketRange
from lake.failures import Failure, Failures
from lake.planning import SUBJECT, Plan, plan, without
from lake.store import Lake
from stages.allowance import UNLIMITED, Allowance, Reach
from stages.priority import by_priority


@dataclass(frozen=True, slots=True)
class Scope:
    """The part of a lake, and of what is missing in it, that one run of a stage works on."""

    lake: Lake
    failures: Failures
    buckets: BucketRange = field(default_factory=BucketRange)
    progress: Progress = field(default_factory=Silent)
    reach: Reach = Reach.EVERYTHING
    allowance: Allowance = UNLIMITED

    def plan(self, stage: str, version: str, wanted: pa.Table, have: pa.Table) -> Plan:
        """The stage's plan with its quarantine left out: what is set aside is not missing, and keeps the value it has.

        Unless its input is gone: then it is orphaned like any other.
        """
        aside = self.failures.quarantined(stage, version)
        if aside:
            aside.intersection_update(wanted[SUBJECT].to_pylist())
        return plan(without(wanted, aside), without(have, aside), version)

    def videos_to_do(self, plan: Plan) -> tuple[str, ...]:
        """The videos of a plan that this run takes on, the first to be done first."""
        return self._first(plan.new if self.reach is Reach.NEW else plan.todo, self.allowance.max_videos)

    def segments_to_do(self, plan: Plan) -> tuple[str, ...]:
        """The segments of a plan that this run takes on, the first to be done first."""
        return self.of_segments(plan.new if self.reach is Reach.NEW else plan.todo)

    def of_segments(self, segment_ids: Sequence[str]) -> tuple[str, ...]:
        """Those of some segments that this run has room for, the first to be done first."""
        return self._first(segment_ids, self.allowance.max_segments)

    def _first(self, subjects: Sequence[str], most: int | None) -> tuple[str, ...]:
        if most is None and self.allowance.deadline is None:
            return tuple(sorted(subjects))  # all of them are done: no order is better, and this one keeps videos whole
        return by_priority(self.lake, subjects)[:most]

    def fail(self, stage: str, subject: str, video_id: str, version: str, error: Exception, uri: str = "") -> Failure:
        """Enters a failure in the book; `uri` names the file to the reader of the report."""
        recorded = self.failures.record(stage, subject, video_id, version, error)
        return Failure(
            recorded.stage,
            recorded.subject,
            recorded.video_id,
            recorded.version,
            recorded.error,
            recorded.message,
            recorded.attempts,
            recorded.quarantined,
            uri,
        )
