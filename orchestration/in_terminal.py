"""Dagster runs in the process of a command: the same assets as in the web UI, against the same instance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kernel.errors import ReelindexError
from kernel.progress import Progress
from settings import Home, Settings


class RunFailed(ReelindexError):
    """The Dagster run stopped with an error."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What one check of an asset found. `blocks` tells an error from a warning."""

    asset: str
    name: str
    passed: bool
    blocks: bool
    finding: str


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that ended well.

    Attributes:
        run_id: Of the run.
        shown: What every asset recorded, by its name and in the order of the stages.
        checks: What the checks found that ran.
    """

    run_id: str
    shown: Mapping[str, Mapping[str, Any]]
    checks: tuple[Checked, ...] = ()

    @property
    def reports(self) -> tuple[dict[str, Any], ...]:
        """The reports of the stages, one a version, as plain values."""
        return tuple(report for shown in self.shown.values() if "report" in shown for report in shown["report"].value)


def run_here(
    job: str,
    settings: Settings,
    home: Home,
    progress: Progress,
    *,
    tags: Mapping[str, str],
    ops: Mapping[str, Any] | None = None,
    assets: Sequence[str] | None = None,
) -> Finished:
    """Runs a job, or some assets of it, in this process.

    Raises:
        RunFailed: It stopped with an error.
    """
    import dagster as dg

    from orchestration.definitions import build_definitions
    from orchestration.instance import open_instance
    from orchestration.interrupted import close_interrupted_runs, process_tags

    definition = build_definitions(settings, home, progress).resolve_job_def(job)
    with open_instance(home) as instance:
        close_interrupted_runs(instance)
        result = definition.execute_in_process(
            instance=instance,
            asset_selection=None if assets is None else [dg.AssetKey(name) for name in assets],
            run_config={
                "ops": dict(ops or {}),
                # The terminal shows progress; the run's own log is in the web UI.
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
            tags={**tags, **process_tags()},
            raise_on_error=False,
        )
        if not result.success:
            raise _failure(result)
        # Each partition's event says the same.
        events = result.get_asset_materialization_events()
        return Finished(
            result.run_id,
            {str(event.materialization.asset_key.path[-1]): event.materialization.metadata for event in events},
            tuple(_checked(one) for one in result.get_asset_check_evaluations()),
        )


def _checked(one: Any) -> Checked:
    import dagster as dg

    blocks = one.severity is dg.AssetCheckSeverity.ERROR
    return Checked(one.asset_key.to_user_string(), one.check_name, one.passed, blocks, one.description or "")


def _failure(result: Any) -> ReelindexError:
    import dagster as dg

    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            cause = error.cause or error
            if cause.cls_name == dg.DagsterExecutionInterruptedError.__name__:
                return RunFailed("interrupted.", where=event.step_key, remedy="What was finished is kept.")
            what = cause.message.strip().splitlines()[0]
            return RunFailed(
                f"the stage stopped: {what}",
                where=event.step_key,
                remedy="What was finished is kept; see `reelindex ui`.",
            )
    return RunFailed("the run stopped.", where=result.run_id, remedy="See `reelindex ui`.")
