"""The numbers that requirements are about: one row a row of the table, computed column by column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    import pandas as pd

ID = "id"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one table.

    Attributes:
        subject: The table.
        ids: What names each row. Kept as Arrow text: in pandas, a million names would be most of the memory.
        rows: Numbers, one row for each of `ids`, in the same order, without nulls.
        table: Numbers about the table as a whole; None where there are too few rows to say.
        examples: Of a number about the whole: what to look at.
    """

    subject: str
    ids: pa.ChunkedArray
    rows: pd.DataFrame
    table: Mapping[str, float | None] = field(default_factory=dict)
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        subject: str,
        answer: pa.Table,
        table: Mapping[str, float | None] | None = None,
        examples: Mapping[str, tuple[str, ...]] | None = None,
    ) -> Facts:
        """The facts in the answer to a query: its column `id`, and numbers."""
        rows = answer.drop_columns([ID]).to_pandas()
        return cls(subject, answer[ID], rows, table or {}, examples or {})

    def share(self, fact: str) -> float | None:
        """The mean of a fact over the rows; None without any."""
        return float(self.rows[fact].mean()) if len(self.rows) else None
