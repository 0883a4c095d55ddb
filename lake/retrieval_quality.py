"""How well search found what it should, release by release."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from lake.schema import RETRIEVAL_QUALITY
from lake.store import Lake, in_list


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over questions, and the bounds between which it lies with 95 % confidence."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Found:
    """Some questions and how well they were answered: by metric, `recall@1` to `mrr`."""

    questions: int
    metrics: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class FailureMode:
    """One way in which search by vectors is known to fail.

    Attributes:
        name: Its name.
        value: How far it goes here; None where there is too little to tell.
        most: What it should not exceed.
        told: What was found, with examples, and what helps.
    """

    name: str
    value: float | None
    most: float
    told: str

    @property
    def exceeds(self) -> bool:
        """Whether somebody should look."""
        return self.value is not None and self.value > self.most


@dataclass(frozen=True, slots=True)
class RetrievalQuality:
    """What was measured of one release.

    Attributes:
        state_fp: Names the release, the questions and what was searched.
        release_id: The release.
        source: Where the questions come from.
        legs: By leg, and `fused`.
        parts: Of the fused answers, by a part of the questions.
        failure_modes: All that are looked for.
        measured_at: When.
    """

    state_fp: str
    release_id: int
    source: str
    legs: Mapping[str, Found]
    parts: Mapping[str, Found]
    failure_modes: tuple[FailureMode, ...]
    measured_at: datetime


class RetrievalMeasured:
    """The measurements of one lake."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def find(self, state_fp: str) -> RetrievalQuality | None:
        """What was measured in a state; None if it was not."""
        return next(iter(self._read(in_list("state_fp", [state_fp]))), None)

    def all(self) -> list[RetrievalQuality]:
        """All of them, oldest first."""
        return sorted(self._read(None), key=lambda one: one.measured_at)

    def keep(self, found: RetrievalQuality) -> None:
        """Keeps a measurement."""
        measured = asdict(found)
        row = {name: measured[name] for name in ("state_fp", "release_id", "source", "measured_at")}
        measures = {name: measured[name] for name in ("legs", "parts", "failure_modes")}
        self._lake.upsert(RETRIEVAL_QUALITY, [row | {"measured_json": json.dumps(measures)}])

    def _read(self, where: str | None) -> list[RetrievalQuality]:
        rows = self._lake.read(RETRIEVAL_QUALITY.name, RETRIEVAL_QUALITY.schema.names, where).to_pylist()
        return [_parsed(row) for row in rows]


def _parsed(row: dict[str, Any]) -> RetrievalQuality:
    measured = json.loads(row.pop("measured_json"))
    legs, parts = ({name: _found(one) for name, one in measured[key].items()} for key in ("legs", "parts"))
    modes = tuple(FailureMode(**one) for one in measured["failure_modes"])
    return RetrievalQuality(**row, legs=legs, parts=parts, failure_modes=modes)


def _found(values: Mapping[str, Any]) -> Found:
    return Found(values["questions"], {name: Estimate(**one) for name, one in values["metrics"].items()})
