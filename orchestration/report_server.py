"""The pages of a home's reports over HTTP, on this machine alone: what the checks in the web UI link to.

It is a process of its own beside Dagster's, and ends with the one that started it.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from assets.resources import LOOPBACK
from kernel.errors import ReelindexError

# Pages bring their own scripts (Evidently's plots) and styles; they may load nothing, and send nothing anywhere.
_POLICY = "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
_POLICY += "img-src data: blob:; font-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_WATCH_PARENT_S = 1.0


class PortTaken(ReelindexError):
    """Another program listens where the reports should be shown."""


class _Pages(SimpleHTTPRequestHandler):
    """Reads only; no listing of folders."""

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def list_directory(self, path: str | os.PathLike[str]) -> None:
        del path
        self.send_error(404, "There is no report here yet")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the name is the parent's)
        del format, args


def start_beside(folder: Path, port: int) -> None:
    """Starts the server as a child of this process, that ends when this process does.

    Raises:
        PortTaken: Another program listens on the port.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise PortTaken(
                "another program listens here, so that the reports cannot be shown.",
                where=f"{LOOPBACK}:{port}",
                remedy="Choose another `reports.port` in reelindex.toml.",
            ) from error
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.Popen(
        [sys.executable, "-m", "orchestration.report_server", str(folder), str(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )


def serve(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server of the pages under `folder`, listening."""
    return ThreadingHTTPServer((LOOPBACK, port), partial(_Pages, directory=str(folder)))


def _end_with(parent: int, server: ThreadingHTTPServer) -> None:
    while os.getppid() == parent:
        time.sleep(_WATCH_PARENT_S)
    server.shutdown()


def main() -> None:
    """Serves `argv[1]` on port `argv[2]` for as long as the parent lives."""
    server = serve(Path(sys.argv[1]), int(sys.argv[2]))
    threading.Thread(target=_end_with, args=(os.getppid(), server), daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()
