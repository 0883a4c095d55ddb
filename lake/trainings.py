"""Where the trained versions of a lake come from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lake.schema import TRAININGS
from lake.store import Lake, quote

_DECODED = ("data", "recipe", "epochs", "anchor", "evaluation")


@dataclass(frozen=True, slots=True)
class Training:
    """How one version was made.

    Attributes:
        version: The trained model's.
        name: What people call it.
        path: The file of its weights.
        parent: The version of the frozen model that it stands on.
        data_fp: Fingerprint of the pairs.
        data: What they were: counts by split and source.
        recipe: All that decided its weights besides the pairs.
        seed: Of every draw.
        code: The code and the libraries that trained it.
        epochs: The curve of each run: of the one that chose the number of epochs, if there was one, and of the members.
        anchor: How near it stays to its parent; empty where nothing was asked to.
        evaluation: What it measured on data that it was not trained on; empty before that.
        duration_s: Of the training.
        trained_at: When it ended.
    """

    version: str
    name: str
    path: str
    parent: str
    data_fp: str
    data: Mapping[str, Any]
    recipe: Mapping[str, Any]
    seed: int
    code: str
    epochs: list[dict[str, Any]]
    anchor: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    duration_s: float
    trained_at: datetime


class Trainings:
    """The trainings of one lake."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def enter(self, training: Training) -> None:
        """Keeps one; the same version again takes the place of what was known of it."""
        row = {name: getattr(training, name) for name in TRAININGS.schema.names if not name.endswith("_json")}
        for name in _DECODED:
            row[f"{name}_json"] = json.dumps(getattr(training, name), sort_keys=True)
        self._lake.upsert(TRAININGS, [row])

    def evaluated(self, version: str, evaluation: Mapping[str, Any]) -> None:
        """Adds what a version measured."""
        known = self.find(version)
        if known is not None:
            kept = {name: getattr(known, name) for name in Training.__dataclass_fields__}
            self.enter(Training(**(kept | {"evaluation": evaluation})))

    def find(self, version: str) -> Training | None:
        """How a version was made; None where it was not trained here."""
        found = self._read(f"version = {quote(version)}")
        return found[0] if found else None

    def newest(self, name: str) -> Training | None:
        """The last one of a name; None where there is none."""
        return max(self._read(f"name = {quote(name)}"), key=lambda one: one.trained_at, default=None)

    def _read(self, where: str) -> list[Training]:
        rows = self._lake.read(TRAININGS.name, TRAININGS.schema.names, where).to_pylist()
        return [Training(**{name: json.loads(row.pop(f"{name}_json")) for name in _DECODED}, **row) for row in rows]


def now() -> datetime:
    """The time of an entry."""
    return datetime.now(UTC)
