"""What later videos are compared with: one reference a version, with the thresholds that were measured on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from lake.schema import DRIFT_REFERENCES
from lake.store import Lake


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How large the scores of two methods get between parts of the reference, where nothing has drifted.

    Attributes:
        auc, mmd: The score that one of twenty splits exceeds.
        auc_alone, mmd_alone: The score that none of them exceeded.
        splits: How many there were.
        reference, current: Videos on either side of a split.
    """

    auc: float
    mmd: float
    auc_alone: float
    mmd_alone: float
    splits: int
    reference: int
    current: int


@dataclass(frozen=True, slots=True)
class DriftReference:
    """The reference of a version.

    Attributes:
        version: The model version whose vectors are compared.
        space: Its space.
        until: Videos that were first seen until then belong to the reference.
        thresholds: By the number of current videos that they are for.
    """

    version: str
    space: str
    until: datetime
    thresholds: Mapping[int, Thresholds]


class DriftReferences:
    """The references of one lake."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def find(self, version: str) -> DriftReference | None:
        """The reference of a version, None if it has none yet."""
        return next((one for one in self._all() if one.version == version), None)

    def newest_until(self, space: str) -> datetime | None:
        """Until when the newest reference of a space goes, whatever its version; None before the first."""
        return max((one.until for one in self._all() if one.space == space), default=None)

    def keep(self, reference: DriftReference) -> None:
        """Keeps a reference in place of the version's former one."""
        thresholds = {str(size): asdict(one) for size, one in reference.thresholds.items()}
        row = {
            "version": reference.version,
            "space": reference.space,
            "until": reference.until,
            "thresholds_json": json.dumps(thresholds, sort_keys=True),
        }
        self._lake.upsert(DRIFT_REFERENCES, [row])

    def forget(self) -> int:
        """Removes all of them: what is there at the next look is the new reference.

        Returns:
            How many there were.
        """
        versions = [one.version for one in self._all()]
        self._lake.delete(DRIFT_REFERENCES.name, "version", versions)
        return len(versions)

    def _all(self) -> list[DriftReference]:
        rows = self._lake.read(DRIFT_REFERENCES.name, DRIFT_REFERENCES.schema.names).to_pylist()
        return [
            DriftReference(
                row["version"],
                row["space"],
                row["until"],
                {int(size): Thresholds(**one) for size, one in json.loads(row["thresholds_json"]).items()},
            )
            for row in rows
        ]
