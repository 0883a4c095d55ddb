"""Requirements asked of facts by Great Expectations.

Great Expectations works on pandas frames; it is given numbers about rows, never the rows themselves.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kernel.errors import ReelindexError
from quality.expectations.facts import Facts
from quality.expectations.requirement import Outcome, Requirement

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.data_context import EphemeralDataContext

EXAMPLES = 5
_ROW = "row"
_SEVERITIES = {"block": "critical", "warn": "warning"}


class ExpectationsBroken(ReelindexError):
    """Great Expectations itself failed: this says nothing about the data."""


class Examination:
    """One Great Expectations context: what it is asked can be written as one site of Data Docs afterwards."""

    def __init__(self) -> None:
        # Great Expectations phones home unless it is told not to before it is imported.
        os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
        import great_expectations as gx
        from great_expectations.data_context.types.base import (
            DataContextConfig,
            InMemoryStoreBackendDefaults,
            ProgressBarsConfig,
        )

        # The defaults of an ephemeral context make a temporary folder for its pages, and leave it there.
        config = DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
            progress_bars=ProgressBarsConfig(globally=False),
        )
        self.context: EphemeralDataContext = gx.get_context(mode="ephemeral", project_config=config)
        self._lake = self.context.data_sources.add_pandas("lake")

    def ask(self, requirements: Sequence[Requirement], facts: Facts) -> list[Outcome]:
        """What holds and what does not, in the order of the requirements.

        One that cannot be computed is not met, says why in `error`, and takes no other with it.
        """
        of_rows = [one for one in requirements if one.of == "row"]
        of_table = [one for one in requirements if one.of == "table"]
        found = self._ask_rows(of_rows, facts) | self._ask_table(of_table, facts)
        return [found[one.name] for one in requirements]

    def _ask_rows(self, requirements: Sequence[Requirement], facts: Facts) -> dict[str, Outcome]:
        import pandas as pd

        rows = facts.rows.assign(**{_ROW: np.arange(len(facts.rows))})
        lacking = {one.name: _lack(one, rows) for one in requirements}
        results = self._validate([one for one in requirements if not lacking[one.name]], facts.subject, rows)
        found = {}
        for one in requirements:
            result = results.get(one.name)
            error = lacking[one.name] or _error(result)
            if error:
                found[one.name] = Outcome(one, facts.subject, False, len(rows), 0, None, error=error)
                continue
            shown = pd.DataFrame(result.result.get("partial_unexpected_index_list") or [])  # type: ignore[union-attr]
            unexpected = int(result.result.get("unexpected_count") or 0)  # type: ignore[union-attr]
            examples = tuple(_named(facts, one.fact, row) for row in shown.to_dict("records"))[:EXAMPLES]
            met = bool(result.success)  # type: ignore[union-attr]
            found[one.name] = Outcome(one, facts.subject, met, len(rows), unexpected, float(unexpected), examples)
        return found

    def _ask_table(self, requirements: Sequence[Requirement], facts: Facts) -> dict[str, Outcome]:
        import pandas as pd

        missing = {one.name for one in requirements if one.fact not in facts.table}
        known = [one for one in requirements if facts.table.get(one.fact) is not None]
        values = pd.DataFrame([{one.fact: float(facts.table[one.fact] or 0.0) for one in known}])
        results = self._validate(known, facts.subject, values)
        found = {}
        for one in requirements:
            result = results.get(one.name)
            error = f"there is no fact `{one.fact}`" if one.name in missing else _error(result)
            met = not error and (result is None or bool(result.success))
            examples = () if met else facts.examples.get(one.fact, ())[:EXAMPLES]
            measured = None if error else facts.table[one.fact]
            failed = int(not met and not error)
            found[one.name] = Outcome(one, facts.subject, met, len(facts.rows), failed, measured, examples, error)
        return found

    def _validate(self, requirements: Sequence[Requirement], subject: str, frame: pd.DataFrame) -> dict[str, Any]:
        """Great Expectations' own results, by the name of the requirement."""
        if not requirements:
            return {}
        import great_expectations as gx

        name = suite_name(requirements[0], subject)
        suite = self.context.suites.add(
            gx.ExpectationSuite(name=name, expectations=[_expectation(one) for one in requirements])
        )
        batch = self._lake.add_dataframe_asset(name).add_batch_definition_whole_dataframe("now")
        definition = self.context.validation_definitions.add(
            gx.ValidationDefinition(name=name, data=batch, suite=suite)
        )
        result_format = {
            "result_format": "SUMMARY",
            "partial_unexpected_count": EXAMPLES,
            "unexpected_index_column_names": [_ROW] if _ROW in frame else [],
        }
        try:
            result = definition.run(batch_parameters={"dataframe": frame}, result_format=result_format)
        except Exception as error:
            return {one.name: error for one in requirements}
        # They come back in another order.
        return {_requirement_of(one): one for one in result.results}


def suite_name(one: Requirement, subject: str) -> str:
    """The name of the Great Expectations suite that a requirement is asked in: rows and the whole are two batches."""
    return subject if one.of == "row" else f"{subject}-whole"


def demand_computed(outcomes: Sequence[Outcome]) -> None:
    """Does nothing where everything could be computed.

    Raises:
        ExpectationsBroken: Something could not.
    """
    for one in outcomes:
        if one.error:
            raise ExpectationsBroken(
                f"the expectation `{one.requirement.name}` could not be computed: {one.error}.", where=one.subject
            )


def _expectation(one: Requirement) -> Any:
    import great_expectations.expectations as gxe

    shared: dict[str, Any] = {
        "column": one.fact,
        "severity": _SEVERITIES[one.severity],
        "description": f"{one.name}: {one.says}",
        "meta": {"requirement": one.name, "notes": one.remedy},
    }
    if one.least is not None and one.least == one.most:
        return gxe.ExpectColumnValuesToBeInSet(value_set=[one.least], **shared)
    return gxe.ExpectColumnValuesToBeBetween(min_value=one.least, max_value=one.most, **shared)


def _requirement_of(result: Any) -> str:
    return str(result.expectation_config.meta["requirement"])


def _lack(one: Requirement, rows: pd.DataFrame) -> str:
    if one.fact not in rows:
        return f"there is no fact `{one.fact}`"
    # Great Expectations passes over nulls: a fact that could not be computed would count as met.
    empty = int(rows[one.fact].isna().sum())
    return f"the fact `{one.fact}` is missing in {empty:,} rows" if empty else ""


def _error(result: Any) -> str:
    if isinstance(result, Exception):
        return f"{type(result).__name__}: {result}"
    # An internal exception comes back as `success=False`, which must not be read as bad data.
    problems = list(_exceptions(result.exception_info or {})) if result is not None else []
    return problems[0] if problems else ""


def _exceptions(info: Mapping[str, Any]) -> Iterator[str]:
    entries = [info] if "raised_exception" in info else [entry for entry in info.values() if isinstance(entry, dict)]
    for entry in entries:
        if entry.get("raised_exception"):
            yield str(entry.get("exception_message"))


def _named(facts: Facts, fact: str, row: Mapping[Any, Any]) -> str:
    return f"{facts.ids[int(row[_ROW])].as_py()} {fact} {float(row[fact]):g}"
