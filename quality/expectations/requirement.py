"""One thing that must be true of a table, and what was found when it was asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["block", "warn"]
"""`block`: the rows cannot be trusted. `warn`: they may be right, and a person should look."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """A fact that must lie between two bounds, both included.

    Attributes:
        name: Also the name of the check on the asset.
        says: What holds when it is met, as one sentence.
        fact: A column of the facts about rows, or the name of a fact about the table as a whole.
        least, most: The bounds; None where there is none.
        remedy: What to do when it is not met.
        severity: Whether what is wrong makes the rows useless.
        of: Whether every row has the fact, or the table.
    """

    name: str
    says: str
    fact: str
    least: float | None
    most: float | None
    remedy: str
    severity: Severity = "block"
    of: Literal["row", "table"] = "row"

    @property
    def bounds(self) -> str:
        """The bounds in words."""
        if self.least is not None and self.least == self.most:
            return f"must be {self.least:g}"
        if self.least is None:
            return f"must be {self.most:g} at most"
        if self.most is None:
            return f"must be {self.least:g} at least"
        return f"must be from {self.least:g} to {self.most:g}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found of one requirement in one table.

    Attributes:
        requirement: What was asked.
        subject: The table.
        met: Whether it holds; False where it could not be computed.
        rows: How many rows were asked.
        unexpected: How many did not meet it; of a fact about the table 0 or 1.
        measured: The fact about the table, or the number of rows that did not meet it. None: too few rows to say.
        examples: Some of what did not meet it, each with the value it has.
        error: Why it could not be computed, empty where it could: that says nothing about the data.
    """

    requirement: Requirement
    subject: str
    met: bool
    rows: int
    unexpected: int
    measured: float | None
    examples: tuple[str, ...] = ()
    error: str = ""

    @property
    def finding(self) -> str:
        """What was found, as a person reads it, with what to do next where it is not met."""
        fact, bounds = self.requirement.fact, self.requirement.bounds
        if self.error:
            return f"this could not be computed, which says nothing about the data: {self.error}"
        if self.measured is None:
            return "too few rows to say."
        if self.requirement.of == "table":
            found = f"`{fact}` is {self.measured:.4g}; it {bounds}."
        elif self.met:
            return f"all {self.rows:,} rows meet it."
        else:
            found = f"{self.unexpected:,} of {self.rows:,} rows break this: `{fact}` {bounds}."
        if self.met:
            return found
        shown = f" For instance {'; '.join(self.examples)}." if self.examples else ""
        return f"{found}{shown} {self.requirement.remedy}"
