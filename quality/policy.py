"""What a candidate must meet, as the settings say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kernel.identity import file_digest
from settings.model import PromotionSettings


@dataclass(frozen=True, slots=True)
class PromotionPolicy:
    """The thresholds of the gates, and what follows when they are passed.

    Attributes:
        automatic: Whether a candidate that passes goes live by itself.
        evaluation: The CSV file with queries whose answers are known; None where there is none.
        max_quality_loss: How much the mean reciprocal rank may fall, 95 % sure.
        max_quarantined_share: Of a candidate's subjects.
        min_index_recall: Of the vector index against exact search, at ten neighbours.
        min_robustness: Of the ten nearest, the mean share that stays under disturbances; 0 does not ask.
        keep_retired: Versions of a space that are kept after they were live.
    """

    automatic: bool = True
    evaluation: Path | None = None
    max_quality_loss: float = 0.05
    max_quarantined_share: float = 0.05
    min_index_recall: float = 0.98
    min_robustness: float = 0.0
    keep_retired: int = 2

    @classmethod
    def from_settings(cls, settings: PromotionSettings) -> PromotionPolicy:
        """The policy of the settings."""
        return cls(**settings.model_dump())

    def evaluation_digest(self) -> str:
        """SHA-256 of the evaluation file; `none` where there is no such file."""
        return file_digest(self.evaluation) if self.evaluation is not None and self.evaluation.is_file() else "none"

    def thresholds(self) -> Mapping[str, Any]:
        """What decides a verdict, for JSON: not what follows from it."""
        return {name: value for name, value in self.to_dict().items() if name not in ("automatic", "keep_retired")}

    def to_dict(self) -> Mapping[str, Any]:
        """Plain values, for JSON."""
        return asdict(self) | {"evaluation": str(self.evaluation or ""), "evaluation_sha256": self.evaluation_digest()}
