"""What a stage did: the numbers that a person sees in the web UI and that `ingest --json` prints."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kernel.errors import ReelindexError
from lake.failures import Failure
from lake.planning import Plan

HOPELESS = 64
"""So many failures without one success are no accident."""


class NothingWorks(ReelindexError):
    """A model fails whatever it is given."""


@dataclass(frozen=True, slots=True)
class StageReport:
    """The outcome of one stage in one run.

    Attributes:
        stage: The stage's name; for vectors, one report for each version.
        version: The version that made the values.
        new, stale, orphaned: What was planned.
        done: Subjects computed and written.
        removed: Orphaned subjects whose values were removed; others wait until their video is complete.
        skipped: Subjects that had the right value already.
        failures: What could not be done, with reasons.
        warnings: What was done although something was wrong with it, one sentence each.
        duration_s: Wall time of the stage.
        work: Counters of real work: `videos_decoded`, `videos_transcribed`, `segments_captioned`, `vectors`,
            `images_forwarded`, `texts_forwarded`, `sound_s`, `models_loaded` ... A stage counts what it has.
    """

    stage: str
    version: str
    new: int = 0
    stale: int = 0
    orphaned: int = 0
    done: int = 0
    removed: int = 0
    skipped: int = 0
    failures: tuple[Failure, ...] = ()
    warnings: tuple[str, ...] = ()
    duration_s: float = 0.0
    work: Mapping[str, float] = field(default_factory=dict)

    @property
    def planned(self) -> int:
        """Subjects that had to be computed."""
        return self.new + self.stale

    @property
    def per_second(self) -> float:
        """Subjects computed in a second of wall time, 0 where nothing was done."""
        return self.done / self.duration_s if self.done and self.duration_s > 0 else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "stage": self.stage,
            "version": self.version,
            "planned": self.planned,
            "new": self.new,
            "stale": self.stale,
            "orphaned": self.orphaned,
            "done": self.done,
            "removed": self.removed,
            "skipped": self.skipped,
            "failed": len(self.failures),
            "duration_s": round(self.duration_s, 3),
            "work": {name: round(amount, 3) for name, amount in sorted(self.work.items())},
            "failures": [
                {"subject": f.subject, "uri": f.uri, "message": f.message, "quarantined": f.quarantined}
                for f in self.failures
            ],
            "warnings": list(self.warnings),
        }


class Tally:
    """Counts while a stage runs, and closes into its report."""

    def __init__(self, stage: str, version: str, plan: Plan) -> None:
        self._stage = stage
        self._version = version
        self._plan = plan
        self._began = time.monotonic()
        self._failures: dict[str, Failure] = {}
        self._succeeded: set[str] = set()
        self.warnings: list[str] = []
        self.done = 0
        self.removed = 0
        self.work: Counter[str] = Counter()

    def failed(self, failure: Failure) -> None:
        """Notes a failure; a later attempt at the same subject takes its place."""
        self._failures[failure.subject] = failure

    def succeeded(self, subject: str) -> None:
        """Counts a subject as done; what failed before in this run no longer counts."""
        self._failures.pop(subject, None)
        self._succeeded.add(subject)
        self.done += 1

    def is_settled(self, subject: str) -> bool:
        """Whether nothing is left to do for a subject: it was done, or it has been set aside."""
        failure = self._failures.get(subject)
        return subject in self._succeeded or (failure is not None and failure.quarantined)

    def demand_some_success(self) -> None:
        """Stops a stage in which nothing but failures has been seen: then the fault is not the subjects'.

        Raises:
            NothingWorks: Many have failed and none has succeeded.
        """
        if self.done == 0 and len(self._failures) >= HOPELESS:
            first = next(iter(self._failures.values()))
            raise NothingWorks(
                f"each of the first {len(self._failures)} subjects failed, so the stage was stopped; the first said: "
                f"{first.message}",
                where=f"{self._stage} {self._version}",
                remedy="See to the model; `reelindex quarantine --retry` lets what was set aside be tried again.",
            )

    def report(self) -> StageReport:
        """The report, with the time since this tally was made."""
        return StageReport(
            stage=self._stage,
            version=self._version,
            new=len(self._plan.new),
            stale=len(self._plan.stale),
            orphaned=len(self._plan.orphaned),
            done=self.done,
            removed=self.removed,
            skipped=self._plan.current,
            failures=tuple(self._failures.values()),
            warnings=tuple(self.warnings),
            duration_s=time.monotonic() - self._began,
            work=dict(self.work),
        )
