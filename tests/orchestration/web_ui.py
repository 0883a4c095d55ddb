"""The web UI as a user starts it, on a port of its own, and a browser that goes nowhere else."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

READY_WITHIN_S = 120
LOOK_EVERY_S = 0.5
END_WITHIN_S = 20

# Interrupts are ignored, as a shell does to what a script puts in the background.
PROGRAM = """\
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
from orchestration.cli import main
main()
"""

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find_browser() -> str | None:
    """The first Chromium on the path."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


@contextmanager
def started_ui(home: Path, scratch: Path) -> Iterator[str]:
    """`reelindex ui` on a home, ready to answer; yields its address, and always ends every process of it."""
    address = f"http://127.0.0.1:{free_port()}"
    log = scratch / "ui.log"
    with log.open("w") as written:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "ui", "--home", str(home), "--port", address.rpartition(":")[2]],
            cwd=scratch,
            env={name: value for name, value in os.environ.items() if not name.startswith("REELINDEX_")}
            | {"REELINDEX_REPORTS__PORT": str(free_port())},
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait_until_ready(address, process, log)
            yield address
        finally:
            _end(process)


def ask(address: str, query: str, variables: dict[str, Any] | None = None) -> Any:
    """The data that the GraphQL interface answers with."""
    body = json.dumps({"query": query, "variables": variables or {}}).encode()
    request = urllib.request.Request(f"{address}/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        answer = json.load(response)
    assert "errors" not in answer, answer["errors"]
    return answer["data"]


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_until_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(int(READY_WITHIN_S / LOOK_EVERY_S)):
        if process.poll() is not None:
            break
        with suppress(urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(f"{address}/server_info", timeout=10).close()
            return
        time.sleep(LOOK_EVERY_S)
    raise AssertionError(f"the web UI did not come up:\n{log.read_text()}")


def _end(process: subprocess.Popen[bytes]) -> None:
    _signal_all(process, signal.SIGTERM)
    try:
        process.wait(END_WITHIN_S)
    except subprocess.TimeoutExpired:
        raise AssertionError("the web UI does not end when it is asked to") from None
    finally:
        _signal_all(process, signal.SIGKILL)
        process.wait()


def _signal_all(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
