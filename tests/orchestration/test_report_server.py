from __future__ import annotations

import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.report_server import PortTaken, serve, start_beside
from tests.orchestration.web_ui import free_port


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    folder = tmp_path / "reports"
    (folder / "expectations").mkdir(parents=True)
    (folder / "expectations" / "index.html").write_text("<h1>Data Docs</h1>")
    (tmp_path / "secret.txt").write_text("not for the server")
    return folder


@pytest.fixture
def address(pages: Path) -> Iterator[str]:
    server = serve(pages, free_port())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_page_is_shown_and_may_load_nothing_from_elsewhere(address: str) -> None:
    with urllib.request.urlopen(f"{address}/expectations/index.html") as answer:
        assert answer.read() == b"<h1>Data Docs</h1>"
        policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy


@pytest.mark.parametrize("path", ["/../secret.txt", "/%2e%2e/secret.txt", "/expectations/nothing.html", "/"])
def test_nothing_else_is(address: str, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(address + path)
    assert refused.value.code == 404
    refused.value.close()


def test_it_takes_nothing(address: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{address}/expectations/index.html", data=b"x")
    assert refused.value.code == 501
    refused.value.close()


def test_it_listens_on_this_machine_alone(pages: Path) -> None:
    server = serve(pages, free_port())
    assert server.server_address[0] == "127.0.0.1"
    server.server_close()


def test_a_port_that_is_taken_is_named(pages: Path) -> None:
    port = free_port()
    server = serve(pages, port)
    with pytest.raises(PortTaken, match=rf"127\.0\.0\.1:{port}.*`reports\.port`"):
        start_beside(pages, port)
    server.server_close()


def test_it_ends_with_the_process_that_started_it(pages: Path) -> None:
    port = free_port()
    script = f"""
import sys
from pathlib import Path
from orchestration.report_server import start_beside
start_beside(Path({str(pages)!r}), {port})
sys.stdin.readline()
"""
    parent = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE)
    try:
        assert _answers(port, wanted=True)
    finally:
        parent.communicate(b"\n")
    assert _answers(port, wanted=False)


def _answers(port: int, *, wanted: bool) -> bool:
    """Whether it comes to this within half a minute."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/expectations/index.html").close()
            answered = True
        except OSError:
            answered = False
        if answered is wanted:
            return True
        time.sleep(0.2)
    return False
