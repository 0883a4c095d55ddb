"""A stage's report as what a materialisation shows."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from assets.partitions import rows_by_partition
from assets.previews import file_name
from assets.run_tags import count_done
from lake.failures import Failure
from lake.store import Lake
from lake.work_log import WorkLog
from stages.report import StageReport

TABLE = "dagster/table_name"
"""The key under which the web UI looks for where an asset's rows are; vectors go by the name that SQL gives them."""

FAILURES_SHOWN = 50
WARNINGS_SHOWN = 50

Metadata = Mapping[str, dg.MetadataValue[Any]]


def materialised(
    context: dg.AssetExecutionContext,
    lake: Lake,
    table: str,
    reports: StageReport | Sequence[StageReport],
    preview: Metadata | None = None,
) -> dg.MaterializeResult:
    """The result of an asset: what was done in a sentence and in numbers, what was not, and a look at what there is.

    Args:
        context: Of the running asset; every partition gets the number of its own rows.
        lake: Where the rows are.
        table: The table that the asset writes; of several versions the configured one's.
        reports: What the stage did, one report a version.
        preview: What to show besides.
    """
    reports = [reports] if isinstance(reports, StageReport) else list(reports)
    for report in reports:
        if report.done:
            WorkLog(lake).enter(
                report.stage, report.version, report.done, len(report.failures), report.duration_s, report.work
            )
        logging.getLogger("reelindex").info("%s (%s): %s", report.stage, report.version, sentence(report))
    count_done(context, sum(report.done for report in reports))
    for partition, rows in rows_by_partition(lake, table, context.partition_keys).items():
        context.add_asset_metadata({"dagster/partition_row_count": rows}, partition_key=partition)
    return dg.MaterializeResult(
        metadata={
            "what_happened": " ".join(sentence(report) for report in reports),
            "buckets": _buckets(context.partition_keys),
            "dagster/row_count": lake.count(table),
            **_numbers(reports),
            **_by_version(reports),
            **_not_done(reports),
            **(preview or {}),
            "report": dg.JsonMetadataValue([report.to_dict() for report in reports]),
        },
        tags={"reelindex/version": reports[0].version} if reports else None,
    )


def sentence(report: StageReport) -> str:
    """What a stage did in this run, over all of its buckets."""
    if not report.planned and not report.removed:
        return f"Nothing to do: {report.skipped} already there."
    parts = [f"{report.done} of {report.planned} done in {report.duration_s:.1f} s"]
    if report.failures:
        parts.append(f"{len(report.failures)} failed")
    if report.removed:
        parts.append(f"{report.removed} removed")
    return f"{', '.join(parts)}; {report.skipped} were already there."


def _buckets(partitions: Sequence[str]) -> str:
    # Dagster shows the same numbers on every partition of the run.
    return f"{min(partitions)} to {max(partitions)}, all numbers together" if len(partitions) > 1 else partitions[0]


def _numbers(reports: Sequence[StageReport]) -> dict[str, Any]:
    done = sum(report.done for report in reports)
    duration_s = sum(report.duration_s for report in reports)
    work: Counter[str] = Counter()
    for report in reports:
        work.update({name: round(amount, 3) for name, amount in report.work.items()})
    return {
        "planned": sum(report.planned for report in reports),
        "done": done,
        "already_there": sum(report.skipped for report in reports),
        "removed": sum(report.removed for report in reports),
        "failed": sum(len(report.failures) for report in reports),
        "duration_s": round(duration_s, 3),
        "done_per_second": round(done / duration_s, 2) if done and duration_s else 0.0,
        "version": ", ".join(report.version for report in reports),
        **{name: int(amount) if amount == int(amount) else amount for name, amount in sorted(work.items())},
    }


def _by_version(reports: Sequence[StageReport]) -> dict[str, Any]:
    if len(reports) < 2:
        return {}
    records = [
        dg.TableRecord(
            {
                "version": report.version,
                "done": report.done,
                "already_there": report.skipped,
                "failed": len(report.failures),
            }
        )
        for report in reports
    ]
    return {"by_version": dg.MetadataValue.table(records)}


def _not_done(reports: Sequence[StageReport]) -> dict[str, Any]:
    failures = [failure for report in reports for failure in report.failures][:FAILURES_SHOWN]
    warnings = [warning for report in reports for warning in report.warnings][:WARNINGS_SHOWN]
    shown: dict[str, Any] = {}
    # A table without rows has no columns, which Dagster refuses.
    if failures:
        shown["failures"] = dg.MetadataValue.table([_failure(failure) for failure in failures])
    if warnings:
        shown["warnings"] = dg.MetadataValue.table([dg.TableRecord({"warning": warning}) for warning in warnings])
    return shown


def _failure(failure: Failure) -> dg.TableRecord:
    # The place comes last: a path cannot be wrapped, and takes the room of whatever is to its right.
    return dg.TableRecord(
        {
            "what": file_name(failure.uri) or failure.subject,
            "why": failure.message,
            "next": "set aside: `reelindex quarantine`" if failure.quarantined else "tried again in the next run",
            "attempts": failure.attempts,
            "place": failure.uri,
        }
    )
