"""The sensors that alert: failed runs, and checks that begin to fail or hold again.

A tick that cannot deliver fails, keeps its place, and says why in the web UI: nothing is lost, and something may be
told twice.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from orchestration.alerts.alert import Alert, Kind, Severity, deliver
from settings import load_settings
from settings.model import AlertSettings


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Alerts when a run has failed: runs the command and calls the address of `alerts` in reelindex.toml.",
)
def failed_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Tells of every run that failed since the last tick; of none from before the first."""
    settings = load_settings().alerts
    since = float(context.cursor) if context.cursor else datetime.now(UTC).timestamp()
    failed = context.instance.get_run_records(
        dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=datetime.fromtimestamp(since, UTC)),
        order_by="update_timestamp",
        ascending=True,
    )
    for record in failed:
        run = record.dagster_run
        message = "The run failed. What was finished is kept; its log is in the web UI."
        deliver(Alert("run_failed", run.job_name, "error", message, run.run_id), settings)
        since = max(since, record.update_timestamp.timestamp())
        context.update_cursor(repr(since))
    context.update_cursor(repr(since))
    return dg.SkipReason(f"{len(failed)} failed runs; {_way(settings)}")


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Alerts when a check begins to fail, and when it holds again: runs the command and calls the address of "
        "`alerts` in reelindex.toml."
    ),
)
def failed_checks(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Tells of changes only: a check that fails every day is told of once."""
    settings = load_settings().alerts
    assert context.repository_def is not None
    failing: dict[str, str] = json.loads(context.cursor or "{}")
    changes = 0
    for found in _latest(context.instance, context.repository_def.asset_graph.asset_check_keys):
        severity = None if found.passed else found.severity
        if failing.get(found.subject) == severity:
            continue
        if settings.minimum == "warning" or "error" in (severity, failing.get(found.subject)):
            deliver(found.alert(failing.get(found.subject)), settings)
            changes += 1
        failing.pop(found.subject, None)
        if severity is not None:
            failing[found.subject] = severity
        context.update_cursor(json.dumps(failing, sort_keys=True))
    return dg.SkipReason(f"{changes} changes told, {len(failing)} checks fail; {_way(settings)}")


@dataclass(frozen=True, slots=True)
class _Found:
    """The last evaluation of a check."""

    subject: str
    passed: bool
    severity: Severity
    message: str
    run_id: str

    def alert(self, before: str | None) -> Alert:
        """What to tell of it; `before` is the severity with which it failed until now."""
        kind: Kind = "check_recovered" if self.passed else "check_failed"
        severity: Severity = "error" if "error" in (before, None if self.passed else self.severity) else "warning"
        return Alert(kind, self.subject, severity, self.message, self.run_id)


def _latest(instance: dg.DagsterInstance, keys: Iterable[dg.AssetCheckKey]) -> Iterator[_Found]:
    """Of every check that was evaluated; one that is under way has not changed yet."""
    records = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(keys))
    for key in sorted(records, key=lambda key: (key.asset_key.to_user_string(), key.name)):
        event = records[key].event
        evaluation = event.dagster_event.event_specific_data if event and event.dagster_event else None
        if isinstance(evaluation, dg.AssetCheckEvaluation):
            severity: Severity = "error" if evaluation.severity is dg.AssetCheckSeverity.ERROR else "warning"
            subject = f"{key.asset_key.to_user_string()}/{key.name}"
            yield _Found(subject, evaluation.passed, severity, evaluation.description or "", records[key].run_id)


def _way(settings: AlertSettings) -> str:
    ways = [name for name in ("command", "webhook") if getattr(settings, name)]
    return f"told by {' and '.join(ways)}" if ways else "nobody is told: set `alerts.command` or `alerts.webhook`"
