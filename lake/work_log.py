"""The log of work: what every stage did in every run, and the rates that follow from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from lake.schema import WORK_LOG
from lake.store import Lake, quote

RECENT_ENTRIES = 20
SMALL_SHARE = 0.1
"""A run that did less than this share of what the largest one did spent its time on loading a model."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast a stage was at a version.

    Attributes:
        stage, version: What was measured.
        per_second: Subjects done in a second of wall time.
        done, duration_s: What it was measured on.
        entries: The number of runs.
    """

    stage: str
    version: str
    per_second: float
    done: int
    duration_s: float
    entries: int


class WorkLog:
    """The log of one lake."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def enter(
        self, stage: str, version: str, done: int, failed: int, duration_s: float, work: Mapping[str, float]
    ) -> None:
        """Adds what one run of a stage did: subjects, seconds of wall time, and the counters of its report."""
        row = {
            "entry_id": uuid4().hex,
            "stage": stage,
            "version": version,
            "done": done,
            "failed": failed,
            "duration_s": duration_s,
            "work_json": json.dumps(dict(work), sort_keys=True),
            "finished_at": datetime.now(UTC),
        }
        self._lake.insert_new(WORK_LOG, [row])

    def rate(self, stage: str, version: str) -> Rate | None:
        """The rate of a stage at a version, over its last runs; None if it has never done anything.

        Long runs count for more, as in life, and small ones not at all where there is a large one.
        """
        return _rate(stage, version, self._read(f"stage = {quote(stage)} AND version = {quote(version)}"))

    def rate_of_another(self, stage: str, version: str) -> Rate | None:
        """The rate of a stage at that other version which has worked last; None if there is none."""
        others = self._read(f"stage = {quote(stage)} AND version != {quote(version)}")
        if not others:
            return None
        last = others[0]["version"]
        return _rate(stage, last, [row for row in others if row["version"] == last])

    def _read(self, where: str) -> list[dict[str, Any]]:
        columns = ["version", "done", "duration_s", "finished_at"]
        rows = self._lake.read(WORK_LOG.name, columns, f"{where} AND done > 0 AND duration_s > 0")
        newest_first: list[dict[str, Any]] = rows.sort_by([("finished_at", "descending")]).to_pylist()
        return newest_first


def _rate(stage: str, version: str, newest_first: list[dict[str, Any]]) -> Rate | None:
    recent = newest_first[:RECENT_ENTRIES]
    if not recent:
        return None
    least = SMALL_SHARE * max(row["done"] for row in recent)
    counted = [row for row in recent if row["done"] >= least]
    done, duration_s = sum(row["done"] for row in counted), sum(row["duration_s"] for row in counted)
    return Rate(stage, version, done / duration_s, done, duration_s, len(counted))
