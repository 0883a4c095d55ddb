from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from orchestration.alerts.alert import Alert, AlertNotDelivered, deliver
from settings.model import AlertSettings

ALERT = Alert("check_failed", "segments/partition", "error", "“1 of 23” rows break this.", "run-1")


class _Inbox(BaseHTTPRequestHandler):
    received: list[tuple[str, bytes]] = []  # noqa: RUF012
    status = 200

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((self.headers["Content-Type"], body))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        del format, args


@pytest.fixture
def address() -> Iterator[str]:
    _Inbox.received.clear()
    _Inbox.status = 200
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Inbox)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/secret"
    server.shutdown()
    server.server_close()


def test_a_command_reads_the_alert_from_its_standard_input(tmp_path: Path) -> None:
    script = f"import sys; open({str(tmp_path / 'told')!r}, 'a').write(sys.stdin.read())"
    deliver(ALERT, AlertSettings(command=(sys.executable, "-c", script)))
    assert json.loads((tmp_path / "told").read_text()) == {
        "kind": "check_failed",
        "subject": "segments/partition",
        "severity": "error",
        "message": "“1 of 23” rows break this.",
        "run_id": "run-1",
    }


def test_an_address_gets_the_same_document(address: str) -> None:
    deliver(ALERT, AlertSettings(webhook=address))
    ((kind, body),) = _Inbox.received
    assert kind == "application/json; charset=utf-8"
    assert body.decode() == ALERT.to_json()


def test_nobody_is_told_unless_somebody_is_named() -> None:
    deliver(ALERT, AlertSettings())


def test_a_command_that_fails_says_why() -> None:
    script = "import sys; print('first'); sys.exit('no such channel')"
    with pytest.raises(AlertNotDelivered, match="ended with 1: no such channel"):
        deliver(ALERT, AlertSettings(command=(sys.executable, "-c", script)))


def test_a_command_that_is_not_there_is_named() -> None:
    with pytest.raises(AlertNotDelivered, match="no-such-program: it could not be run"):
        deliver(ALERT, AlertSettings(command=("no-such-program",)))


def test_an_address_that_refuses_is_told_without_its_secret_part(address: str) -> None:
    _Inbox.status = 500
    with pytest.raises(AlertNotDelivered, match="HTTP Error 500") as refused:
        deliver(ALERT, AlertSettings(webhook=address))
    assert "secret" not in str(refused.value)
    assert refused.value.transient


def test_only_web_addresses_are_taken() -> None:
    with pytest.raises(ValueError, match="webhook"):
        AlertSettings(webhook="file:///etc/passwd")
