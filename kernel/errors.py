"""The root of reelindex's errors: what happened, where, and what to do next."""

from __future__ import annotations


class ReelindexError(Exception):
    """A failure that a person can act on.

    Args:
        what: What happened, as one sentence without the place.
        where: The file, subject or setting it happened to; empty where there is none.
        remedy: What to do next; empty where nothing can be done.

    `transient` says whether trying the same thing again may succeed: a time-out may, a broken file will not.
    """

    transient: bool = False

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what, where, remedy)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f" {self.remedy}" if self.remedy else ""
        return f"{place}{self.what}{advice}"

    def __reduce__(self) -> tuple[object, ...]:
        # The default calls the class with positional arguments only, and fails in the pipe from a child process.
        return _unpickled, (type(self), self.args), self.__dict__


def _unpickled(kind: type[ReelindexError], args: tuple[object, ...]) -> ReelindexError:
    # Without __init__, whose arguments are the subclass's own business; the attributes follow as the state.
    return kind.__new__(kind, *args)
