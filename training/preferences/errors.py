"""What can go wrong between a preference and a release."""

from __future__ import annotations

from training.errors import TrainingError


class BadJudgements(TrainingError):
    """A judgement cannot be read, or contradicts itself."""


class TooFewJudgements(TrainingError):
    """There are not enough preferences to learn anything from that would hold for other queries."""


class NotTuned(TrainingError):
    """A tuned fusion was to go live and may not."""
