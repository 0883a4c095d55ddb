"""The pairs that the settings mean: of the lake, of a file of pairs, or of a file of features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kernel.progress import Progress
from lake.store import Lake
from training.from_csv import pairs_from_csv
from training.from_features import pairs_from_features
from training.from_lake import pairs_from_lake
from training.pairs import TrainingSet

FEATURES_SUFFIX = ".npz"


@dataclass(frozen=True, slots=True)
class PairSource:
    """Where pairs come from.

    Attributes:
        tower: The reference of the frozen model that sees them.
        file: An `.npz` of features, or a CSV of pairs; None for the captions and transcripts of the lake.
    """

    tower: str
    file: Path | None

    def gather(self, lake: Lake, out: Path, *, cache_dir: Path, progress: Progress) -> TrainingSet:
        """The pairs, seen by the tower.

        Args:
            lake: Whose keyframes are seen; not needed for features.
            out: A folder that arrays may be written to.
            cache_dir: Where the sentences' vectors are kept.
            progress: Shows how many pictures have been seen.

        Raises:
            BadPairs: They cannot be read, or there is nothing to learn from.
            UnknownModel, WeightsMissing: There is no such tower here.
        """
        if self.file is None:
            return pairs_from_lake(lake, self.tower, out, cache_dir=cache_dir, progress=progress)
        if self.file.suffix == FEATURES_SUFFIX:
            return pairs_from_features(self.file, self.tower, cache_dir=cache_dir)
        return pairs_from_csv(lake, self.file, self.tower, out, cache_dir=cache_dir, progress=progress)

    def in_words(self) -> str:
        """For a person."""
        return f"{self.file or 'captions and transcripts of the lake'}, seen by {self.tower}"
