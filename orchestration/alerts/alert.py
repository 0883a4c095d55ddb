"""One alert, and the two ways out: a command of the user's, or an address that takes JSON."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from typing import Literal

from kernel.errors import ReelindexError
from settings.model import AlertSettings

TIMEOUT_S = 30
_REMEDY = "See `alerts` in reelindex.toml; it is sent again at the next tick."

Kind = Literal["run_failed", "check_failed", "check_recovered"]
Severity = Literal["error", "warning"]


class AlertNotDelivered(ReelindexError):
    """The command failed, or the address did not take the alert."""

    transient = True


@dataclass(frozen=True, slots=True)
class Alert:
    """What happened.

    Attributes:
        kind: What it is about.
        subject: The job of the run, or `<asset>/<check>`.
        severity: Of a check that holds again, that with which it failed.
        message: What was found, and what to do next.
        run_id: The run that found it, or that failed.
    """

    kind: Kind
    subject: str
    severity: Severity
    message: str
    run_id: str

    def to_json(self) -> str:
        """The document that a command reads from its standard input, and an address gets as the body."""
        return json.dumps(asdict(self), ensure_ascii=False)


def deliver(alert: Alert, settings: AlertSettings) -> None:
    """Runs the command and calls the address that the settings name; neither is named by default.

    Raises:
        AlertNotDelivered: One of them did not take it.
    """
    if settings.command:
        _run(alert, settings.command)
    if settings.webhook:
        _post(alert, settings.webhook)


def _run(alert: Alert, command: tuple[str, ...]) -> None:
    try:
        done = subprocess.run(
            command, input=alert.to_json(), text=True, capture_output=True, timeout=TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AlertNotDelivered(f"it could not be run: {error}.", where=command[0], remedy=_REMEDY) from error
    if done.returncode:
        told = done.stderr.strip().splitlines()[-1:]
        reason = f"it ended with {done.returncode}: {told[0] if told else 'it said nothing'}."
        raise AlertNotDelivered(reason, where=command[0], remedy=_REMEDY)


def _post(alert: Alert, webhook: str) -> None:
    request = urllib.request.Request(
        webhook, alert.to_json().encode(), {"Content-Type": "application/json; charset=utf-8"}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S):
            pass
    except (urllib.error.URLError, OSError) as error:
        # Not the whole address: whoever knows it may write there.
        raise AlertNotDelivered(f"it did not take it: {error}.", where=request.host, remedy=_REMEDY) from error
