"""How far an encoder moves under disturbances, kept by version: a model is not asked about the same every day."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from lake.schema import ROBUSTNESS
from lake.store import Lake, in_list

Side = Literal["pictures", "queries"]


@dataclass(frozen=True, slots=True)
class Shift:
    """What one disturbance does to the vectors of some pictures or queries, and to what they find.

    Attributes:
        side: What was disturbed.
        disturbance: How.
        asked: How many segments or queries.
        cosine: The mean cosine between before and after.
        cosine_low: The lowest.
        first_kept: The share whose nearest stored vector is still the one that it was.
        overlap: The mean share of the ten nearest that are still there.
    """

    side: Side
    disturbance: str
    asked: int
    cosine: float
    cosine_low: float
    first_kept: float
    overlap: float


@dataclass(frozen=True, slots=True)
class Robustness:
    """One version under all disturbances.

    Attributes:
        version, space: Whose vectors.
        protocol: Names the disturbances and how their sample was chosen.
        rows: How many vectors the version had.
        shifts: In the order in which they were measured.
        measured_at: When.
    """

    version: str
    space: str
    protocol: str
    rows: int
    shifts: tuple[Shift, ...]
    measured_at: datetime

    @property
    def overlap(self) -> float:
        """The mean share of the ten nearest that stay, over all disturbances."""
        return sum(one.overlap for one in self.shifts) / len(self.shifts)


class RobustnessMeasured:
    """The measurements of one lake."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def find(self, version: str) -> Robustness | None:
        """The measurement of a version, None if there is none."""
        return next(iter(self._read(in_list("version", [version]))), None)

    def all(self, space: str) -> list[Robustness]:
        """The measurements of the versions of a space, in the order in which they were made."""
        return sorted(self._read(in_list("space", [space])), key=lambda one: one.measured_at)

    def keep(self, found: Robustness) -> None:
        """Keeps a measurement in place of the version's former one."""
        row = {name: getattr(found, name) for name in ROBUSTNESS.schema.names if name != "shifts_json"}
        self._lake.upsert(ROBUSTNESS, [row | {"shifts_json": json.dumps([asdict(one) for one in found.shifts])}])

    def _read(self, where: str) -> list[Robustness]:
        rows = self._lake.read(ROBUSTNESS.name, ROBUSTNESS.schema.names, where).to_pylist()
        return [
            Robustness(shifts=tuple(Shift(**one) for one in json.loads(row.pop("shifts_json"))), **row) for row in rows
        ]
