"""`reelindex ui`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.console import errors
from orchestration.cli.options import HomeOption

if TYPE_CHECKING:
    from settings import Home

WORKSPACE = Path(__file__).parents[1] / "workspace.yaml"
GROUPS = ("ingest", "understand", "embed", "serve", "evaluate", "explore", "train")
"""Of the assets, in the order of the data."""


def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 3000,
    host: Annotated[
        str, typer.Option(help="The address to listen on; anything but loopback is open to others.")
    ] = "127.0.0.1",
    home: HomeOption = None,
) -> None:
    """Open the Dagster web UI with its daemon on this home; Ctrl-C ends both."""
    from orchestration.instance import environment, open_instance
    from orchestration.report_server import start_beside
    from settings import Home, load_settings

    folders = Home.find(home)
    address = f"http://{host}:{port}"
    errors.print(f"Dagster on {address}  (home: {folders.folder})", highlight=False, soft_wrap=True)
    errors.print(f"The asset graph: {address}{asset_graph_path()}", highlight=False, soft_wrap=True)
    reports = load_settings().reports
    start_beside(folders.reports, reports.port)
    _answer_sign_up(folders)
    # Its programs would otherwise make their databases side by side, and beside an ingest.
    with open_instance(folders):
        pass
    command = [sys.executable, "-m", "dagster", "dev", "-w", str(WORKSPACE), "-h", host, "-p", str(port)]
    # The command is deprecated in favour of one from a package of scaffolding tools, which nothing here needs.
    variables = environment(folders) | {"PYTHONWARNINGS": "ignore:Function `dev_command` is superseded"}
    # A shell starts what it puts in the background with interrupts ignored, and Dagster then ignores SIGTERM too.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # In place of this process: signals go to Dagster itself.
    os.execve(sys.executable, command, variables)


def asset_graph_path() -> str:
    """The page of the asset graph with its groups open: Dagster folds them."""
    return "/asset-groups/?expanded=" + ",".join(f"global@global:{group}" for group in GROUPS)


def _answer_sign_up(folders: Home) -> None:
    # Dagster asks every new instance for an e-mail address, in a window over the page, unless this file is there.
    answered = folders.dagster / ".nux" / "nux.yaml"
    answered.parent.mkdir(parents=True, exist_ok=True)
    answered.write_text("seen: 1\n", encoding="utf-8")
