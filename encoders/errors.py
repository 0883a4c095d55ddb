"""What can go wrong with a model: a bad name, missing weights, changed behaviour, an input it cannot take."""

from __future__ import annotations

from kernel.errors import ReelindexError


class EncoderError(ReelindexError):
    """The root of every error that this package raises."""


class UnknownModel(EncoderError):
    """A reference or a stored spec names no model that this version of reelindex has."""


class WeightsMissing(EncoderError):
    """The files a spec was made from are not installed here, or are not the same bytes any more."""


class CanaryMismatch(EncoderError):
    """A version gives other outputs in this process than it gave when it was registered."""


class EncodeFailed(EncoderError):
    """An input could not be embedded, captioned or transcribed; `where` names it by its place in the call."""
