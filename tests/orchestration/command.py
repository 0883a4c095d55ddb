"""The command line in this process, and one ingest with it in which something of everything happens."""

from __future__ import annotations

import atexit
import io
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from encoders.efficientnet import shared_backbone
from orchestration.cli import main
from settings import Home
from tests.stages.small_lake import ingested, write_pictures

# Whichever test asks first, what is kept for all of them must not be made with the variables of that one.
AS_STARTED = dict(os.environ)


@dataclass(frozen=True, slots=True)
class Called:
    """How a command ended and what it wrote."""

    exit_code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output as the one JSON document that it must be."""
        return json.loads(self.out)


def reelindex_here(*arguments: str | Path, home: Home | None = None, typed: str = "") -> Called:
    """Runs the command line as a program would, but in this process."""
    named: Sequence[str | Path] = () if home is None else ("--home", home.folder)
    argv = ["reelindex", *map(str, (*arguments, *named))]
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        redirect_stdout(out),
        redirect_stderr(err),
        patch.dict(os.environ),  # a command may set variables: elsewhere its process ends with them
        patch.object(sys, "argv", argv),
        patch.object(sys, "stdin", io.StringIO(typed)),
    ):
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return Called(code, out.getvalue(), err.getvalue())


@dataclass(frozen=True, slots=True)
class Eventful:
    """A home after its second ingest, of a folder with one film copied, one changed, one cut off and a dead link."""

    home: Home
    films: Path
    called: Called


@cache
def eventful() -> Eventful:
    folder = Path(tempfile.mkdtemp(prefix="reelindex-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    home, films = ingested().copied_to(folder / "home"), folder / "films [red]"
    films.mkdir()
    shutil.copy2(ingested().films / "a.mp4", films / "copied.mp4")
    write_pictures(films / "changed.mp4", ["grid", "rings", "red"], sound=True)
    whole = (films / "changed.mp4").read_bytes()
    (films / "cut off.mp4").write_bytes(whole[: len(whole) // 3])
    (films / "dead link.mp4").symlink_to(folder / "nowhere")
    shared_backbone.cache_clear()  # as in a new process: no picture has been seen
    with patch.dict(os.environ, AS_STARTED | {"REELINDEX_MEDIA__WORKERS": "1"}, clear=True):
        return Eventful(home, films, reelindex_here("ingest", films, "--json", home=home))
