"""The registry of model versions: what each is made of, and what it answered when it was registered.

Whether a version is live is not written here: it follows from the releases.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lake.schema import MODEL_VERSIONS
from lake.store import Lake, quote


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One registered version. `canary` is what the model made of the fixed inputs when it was registered."""

    version: str
    role: str
    space: str | None
    spec: Mapping[str, Any]
    dim: int | None
    canary: Mapping[str, Any]


class ModelVersions:
    """The versions that a lake knows."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def find(self, version: str) -> ModelVersion | None:
        """One version, or None if it has never been registered here."""
        found = self._read(f"version = {quote(version)}")
        return found[0] if found else None

    def all(self) -> list[ModelVersion]:
        """Every version, by role and then by name."""
        return sorted(self._read(None), key=lambda model: (model.role, model.version))

    def register(self, model: ModelVersion) -> ModelVersion:
        """Enters a version; one that is there already stays as it is, canary included.

        Returns:
            What the registry holds now, which another process may have entered first.
        """
        row = {
            "version": model.version,
            "role": model.role,
            "space": model.space,
            "spec_json": json.dumps(model.spec, sort_keys=True),
            "dim": model.dim,
            "canary_json": json.dumps(model.canary, sort_keys=True),
            "created_at": datetime.now(UTC),
        }
        self._lake.insert_new(MODEL_VERSIONS, [row])
        registered = self.find(model.version)
        assert registered is not None  # inserted above, and versions are only dropped by hand
        return registered

    def _read(self, where: str | None) -> list[ModelVersion]:
        return [
            _model(row) for row in self._lake.read(MODEL_VERSIONS.name, MODEL_VERSIONS.schema.names, where).to_pylist()
        ]


def _model(row: dict[str, Any]) -> ModelVersion:
    return ModelVersion(
        version=row["version"],
        role=row["role"],
        space=row["space"],
        spec=json.loads(row["spec_json"]),
        dim=row["dim"],
        canary=json.loads(row["canary_json"]),
    )
