"""What every stage is given: the lake, the part of it to work on, the book of failures, a place to show progress."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from kernel.progress import Progress, Silent
from lake.buckets import BucketRange
from lake.failures import Failure, Failures
from lake.planning import SUBJECT, Plan, plan, without
from lake.store import Lake


@dataclass(frozen=True, slots=True)
class Scope:
    """The part of a lake that one run of a stage works on."""

    lake: Lake
    failures: Failures
    buckets: BucketRange = field(default_factory=BucketRange)
    progress: Progress = field(default_factory=Silent)

    def plan(self, stage: str, version: str, wanted: pa.Table, have: pa.Table) -> Plan:
        """The stage's plan with its quarantine left out: what is set aside is not missing, and keeps the value it has.

        Unless its input is gone: then it is orphaned like any other.
        """
        aside = self.failures.quarantined(stage, version)
        if aside:
            aside.intersection_update(wanted[SUBJECT].to_pylist())
        return plan(without(wanted, aside), without(have, aside), version)

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
