"""What can go wrong with training: data that nothing can be learnt from, a run that leads nowhere."""

from __future__ import annotations

from kernel.errors import ReelindexError


class TrainingError(ReelindexError):
    """The root of every error that this package raises."""


class BadPairs(TrainingError):
    """The pairs cannot be read, or nothing can be learnt from them."""


class TrainingDiverged(TrainingError):
    """The loss is not a number any more."""


class CheckpointMismatch(TrainingError):
    """An interrupted run cannot be gone on with: it was of other data or another recipe."""


class BadRecipe(TrainingError):
    """A key of a recipe is unknown or has a wrong value."""


class NothingTrained(TrainingError):
    """There is no trained head of a name yet."""
