"""Great Expectations over a version's vectors: what must be true of every one of them.

Great Expectations works on pandas frames; a row here is a vector's handful of numbers, computed column by column from
Arrow, never the vector itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from kernel.errors import ReelindexError
from lake.store import Lake

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations import ExpectationSuite

NORM_TOLERANCE = 1e-3
ROWS_AT_ONCE = 16_384
EXAMPLES = 5


class ExpectationsBroken(ReelindexError):
    """Great Expectations itself failed: this says nothing about the data."""


@dataclass(frozen=True, slots=True)
class ExpectationOutcome:
    """One expectation: its name, what it was asked of, and whether the data met it.

    `examples` are some of the rows that did not, each as `<segment_id>` with the value it has.
    """

    expectation: str
    column: str
    met: bool
    unexpected: int
    examples: tuple[str, ...]


def vector_facts(lake: Lake, table: str) -> pd.DataFrame:
    """One row a vector: `segment_id`, `dim`, `norm`, `not_finite` (count), `spread` (largest minus smallest value)."""
    import pandas as pd

    parts = [_facts(batch) for batch in _batches(lake, table)]
    return pd.concat(parts, ignore_index=True) if parts else _facts(pa.RecordBatch.from_pylist([], _EMPTY))


def check_vectors(facts: pd.DataFrame, dim: int) -> list[ExpectationOutcome]:
    """Runs the suite over the facts of one version's vectors.

    Raises:
        ExpectationsBroken: An expectation could not be computed.
    """
    # Great Expectations phones home unless it is told not to before it is imported.
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    batch = context.data_sources.add_pandas("lake").add_dataframe_asset("vectors")
    definition = batch.add_batch_definition_whole_dataframe("all").get_batch(batch_parameters={"dataframe": facts})
    result_format = {
        "result_format": "SUMMARY",
        "partial_unexpected_count": EXAMPLES,
        "unexpected_index_column_names": ["segment_id"],
    }
    result = definition.validate(_suite(dim), result_format=result_format)
    return [_outcome(one) for one in result.results]


def _suite(dim: int) -> ExpectationSuite:
    import great_expectations as gx
    import great_expectations.expectations as gxe

    suite = gx.ExpectationSuite(name="vectors")
    for expectation in (
        gxe.ExpectColumnValuesToNotBeNull(column="segment_id"),
        gxe.ExpectColumnValuesToBeUnique(column="segment_id"),
        gxe.ExpectColumnValuesToBeInSet(column="dim", value_set=[dim]),
        gxe.ExpectColumnValuesToBeBetween(column="norm", min_value=1 - NORM_TOLERANCE, max_value=1 + NORM_TOLERANCE),
        gxe.ExpectColumnValuesToBeInSet(column="not_finite", value_set=[0]),
        gxe.ExpectColumnValuesToBeBetween(column="spread", min_value=0, strict_min=True),
    ):
        suite.add_expectation(expectation)
    return suite


def _outcome(one: Any) -> ExpectationOutcome:
    configuration = one.expectation_config
    # An internal exception comes back as `success=False`, which must not be read as bad data.
    problems = list(_exceptions(one.exception_info or {}))
    if problems:
        raise ExpectationsBroken(
            f"the expectation {configuration.type} could not be computed: {problems[0]}.", where="great_expectations"
        )
    result = one.result or {}
    return ExpectationOutcome(
        expectation=configuration.type,
        column=str(configuration.kwargs.get("column", "")),
        met=bool(one.success),
        unexpected=int(result.get("unexpected_count") or 0),
        examples=tuple(_example(row) for row in result.get("partial_unexpected_index_list") or ())[:EXAMPLES],
    )


def _example(row: Mapping[str, Any]) -> str:
    values = [f"{name} {value:g}" for name, value in row.items() if name != "segment_id"]
    return " ".join([str(row["segment_id"]), *values])


def _exceptions(info: dict[str, Any]) -> Iterator[str]:
    entries = [info] if "raised_exception" in info else [entry for entry in info.values() if isinstance(entry, dict)]
    for entry in entries:
        if entry.get("raised_exception"):
            yield str(entry.get("exception_message"))


_EMPTY = pa.schema([("segment_id", pa.string()), ("vector", pa.list_(pa.float32(), 1))])


def _batches(lake: Lake, table: str) -> Iterator[pa.RecordBatch]:
    yield from lake.snapshot(table).to_batches(columns=["segment_id", "vector"], batch_size=ROWS_AT_ONCE)


def _facts(batch: pa.RecordBatch) -> pd.DataFrame:
    import pandas as pd

    dim = batch.schema.field("vector").type.list_size
    vectors = batch.column("vector").flatten().to_numpy(zero_copy_only=False).reshape(-1, dim)
    finite = np.isfinite(vectors)
    whole = np.where(finite, vectors, 0.0)
    return pd.DataFrame(
        {
            "segment_id": batch.column("segment_id").to_pylist(),
            "dim": np.full(len(vectors), dim),
            "norm": np.linalg.norm(whole, axis=1).astype(float),
            "not_finite": (~finite).sum(axis=1),
            "spread": (whole.max(axis=1, initial=-np.inf) - whole.min(axis=1, initial=np.inf)).astype(float)
            if len(vectors)
            else np.zeros(0),
        }
    )
