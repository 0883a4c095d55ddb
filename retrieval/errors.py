"""What can go wrong between a query and its results."""

from __future__ import annotations

from kernel.errors import ReelindexError


class RetrievalError(ReelindexError):
    """The root of every error that this package raises."""


class FilterError(RetrievalError):
    """A filter has a value that no video could meet or that means nothing."""


class BadSearch(RetrievalError):
    """A search was asked for in a way that has no answer: an unknown leg, a limit below one."""


class BadFusion(RetrievalError):
    """The fusion weights are not numbers that ranks can be fused with."""


class WrongEncoder(RetrievalError):
    """The model at hand is not the one that made the vectors of the release: their distances would mean nothing."""


class IndexRaced(RetrievalError):
    """Other processes kept changing a table while its index was being made."""

    transient = True
