"""The checks of the tables: every asset's rows before their suite of expectations."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.resources import LakeResource, ModelsResource, ReportsResource
from kernel.progress import Progress
from quality.expectations.examine import REQUIREMENTS
from quality.expectations.requirement import Requirement, Severity

if TYPE_CHECKING:
    from quality.expectations.requirement import Outcome

SEVERITIES: Mapping[Severity, dg.AssetCheckSeverity] = {
    "block": dg.AssetCheckSeverity.ERROR,
    "warn": dg.AssetCheckSeverity.WARN,
}
_BY_CHECK: Mapping[tuple[str, str], Requirement] = {
    (asset, one.name): one for asset, requirements in REQUIREMENTS.items() for one in requirements
}


def _described(one: Requirement) -> str:
    consequence = "Rows that break it cannot be trusted." if one.severity == "block" else "A warning: look at it."
    return f"{one.says} {consequence}"


SPECS = [dg.AssetCheckSpec(name, asset=asset, description=_described(one)) for (asset, name), one in _BY_CHECK.items()]


@dg.multi_asset_check(specs=SPECS, can_subset=True, description="Great Expectations over every table of the lake.")
def expectations(
    context: dg.AssetCheckExecutionContext,
    lake: LakeResource,
    models: ModelsResource,
    reports: ReportsResource,
    progress: dg.ResourceParam[Progress],
) -> Iterator[dg.AssetCheckResult]:
    """Asks everything that was selected in one Great Expectations context, and writes its Data Docs."""
    from quality.expectations.data_docs import write_data_docs
    from quality.expectations.engine import Examination
    from quality.expectations.examine import Grounds, examine

    selected = {(key.asset_key.to_user_string(), key.name) for key in context.selected_asset_check_keys}
    grounds = Grounds(lake.scope(None, progress), models.open(lake))
    examination = Examination()
    found = {asset: examine(grounds, asset, examination) for asset in sorted({asset for asset, _ in selected})}
    everything = [one for outcomes in found.values() for one in outcomes]
    write_data_docs(examination, everything, reports.folder_of(lake, DATA_DOCS))
    for asset, name in sorted(selected):
        outcomes = [one for one in found[asset] if one.requirement.name == name]
        yield _result(asset, _BY_CHECK[asset, name], outcomes, reports)


DATA_DOCS = "expectations"
"""The folder of the pages among the reports."""


def _result(
    asset: str, requirement: Requirement, outcomes: Sequence["Outcome"], reports: ReportsResource
) -> dg.AssetCheckResult:
    """Of vectors there is an outcome a version; the configured one comes first."""
    from quality.expectations.data_docs import page_of

    broken = [one for one in outcomes if not one.met]
    shown = broken[0] if broken else outcomes[0] if outcomes else None
    metadata: dict[str, Any] = {"bounds": f"`{requirement.fact}` {requirement.bounds}"}
    if len(outcomes) > 1:
        metadata["by_version"] = dg.MetadataValue.json({one.subject: one.finding for one in outcomes})
    if shown is not None:
        metadata |= {
            "rows": shown.rows,
            "data_docs": dg.MetadataValue.url(reports.url(f"{DATA_DOCS}/{page_of(shown)}")),
        }
        if shown.measured is not None:
            # As a floating point number Dagster draws it over time.
            name = requirement.fact if requirement.of == "table" else "rows_that_break_it"
            metadata[name] = dg.MetadataValue.float(shown.measured)
    if broken and broken[0].examples:
        records = [dg.TableRecord({"example": example}) for one in broken for example in one.examples]
        metadata["examples"] = dg.MetadataValue.table(records)
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=requirement.name,
        passed=not broken,
        severity=SEVERITIES[requirement.severity],
        description=_in_words(outcomes),
        metadata=metadata,
    )


def _in_words(outcomes: Sequence["Outcome"]) -> str:
    if not outcomes:
        return "There is no version with vectors yet."
    if len(outcomes) == 1:
        return outcomes[0].finding
    told = [one for one in outcomes if not one.met] or outcomes
    return " ".join(f"{one.subject}: {one.finding}" for one in told)
