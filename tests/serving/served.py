"""The search page as a user serves it, on a port of its own."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.orchestration.web_ui import PROGRAM, free_port

READY_WITHIN_S = 60


@contextmanager
def served(home: Path, scratch: Path) -> Iterator[str]:
    """`reelindex serve` on a home, ready to answer; yields its address."""
    address = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-c", PROGRAM, "serve", "--home", str(home)]
    log = scratch / "serve.log"
    with log.open("w") as written:
        process = subprocess.Popen(
            [*command, "--port", address.rpartition(":")[2]], cwd=scratch, stdout=written, stderr=subprocess.STDOUT
        )
        try:
            for _ in range(READY_WITHIN_S * 4):
                with suppress(urllib.error.URLError, ConnectionError):
                    urllib.request.urlopen(f"{address}/api/release", timeout=10).close()
                    break
                assert process.poll() is None, log.read_text()
                time.sleep(0.25)
            yield address
        finally:
            process.terminate()
            process.wait(20)
