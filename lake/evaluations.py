"""What gates have said of candidates: kept, so that nothing is asked twice and everything can be looked up later."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kernel.identity import fingerprint
from lake.schema import EVALUATIONS
from lake.store import Lake, quote


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One verdict of one gate; `state_fp` names what it was asked about."""

    version: str
    space: str
    gate: str
    passed: bool
    measured: float | None
    threshold: float
    message: str
    evidence: Mapping[str, Any]
    state_fp: str
    evaluated_at: datetime


class Evaluations:
    """The verdicts in one lake."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def enter(self, verdicts: Sequence[Mapping[str, Any]], state_fp: str) -> None:
        """Keeps the verdicts about one version in one state; the same again changes nothing but the time."""
        now = datetime.now(UTC)
        rows = [
            {
                "evaluation_id": fingerprint([verdict["version"], verdict["gate"], state_fp]),
                **{name: verdict[name] for name in ("version", "space", "gate", "passed", "measured", "message")},
                "threshold": float(verdict["threshold"]),
                "evidence_json": json.dumps(verdict["evidence"], sort_keys=True),
                "state_fp": state_fp,
                "evaluated_at": now,
            }
            for verdict in verdicts
        ]
        self._lake.upsert(EVALUATIONS, rows)

    def of_state(self, version: str, state_fp: str) -> list[Evaluation]:
        """The verdicts about a version in a state; none if it was never asked."""
        return self._read(f"version = {quote(version)} AND state_fp = {quote(state_fp)}")

    def newest(self, version: str) -> list[Evaluation]:
        """The last verdicts about a version, those of one state."""
        found = self._read(f"version = {quote(version)}")
        if not found:
            return []
        last = max(found, key=lambda one: one.evaluated_at)
        return [one for one in found if one.state_fp == last.state_fp]

    def _read(self, where: str) -> list[Evaluation]:
        columns = [name for name in EVALUATIONS.schema.names if name not in ("evaluation_id",)]
        rows = self._lake.read(EVALUATIONS.name, columns, where).to_pylist()
        return [Evaluation(evidence=json.loads(row.pop("evidence_json")), **row) for row in rows]
