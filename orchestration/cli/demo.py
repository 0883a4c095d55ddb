"""`reelindex demo`."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from orchestration.cli import ingest as ingest_command
from orchestration.cli import search as search_command
from orchestration.cli import sql as sql_command
from orchestration.cli.console import EXIT_SOME_FAILED, TerminalProgress, out
from orchestration.cli.options import HomeOption

if TYPE_CHECKING:
    from settings import Home

RESULTS_SHOWN = 3
STATEMENT = """\
SELECT regexp_extract(any_value(uri), '[^/]+$') AS video, count(DISTINCT segment_id) AS segments,
       round(max(end_ms) / 1000.0, 1) AS seconds, any_value(video_codec) AS codec
FROM segments JOIN videos USING (video_id) JOIN files USING (video_id)
GROUP BY video_id ORDER BY video"""


def demo(home: HomeOption = None) -> None:
    """Make a small corpus from what installed packages ship, ingest it, and ask it five questions."""
    from orchestration.demo_corpus import DEMO_QUESTIONS, demo_file_names, make_demo_corpus
    from orchestration.ingest import ingest
    from settings import Home, load_settings

    folders = Home.find(home)
    corpus = folders.folder / "demo-videos"
    out.rule("1. A corpus: real clips, and pictures narrated by a synthetic voice")
    began = time.monotonic()
    progress = TerminalProgress()
    with progress.task("making videos", len(demo_file_names()), "videos") as advance:
        paths = make_demo_corpus(corpus, on_made=lambda path: advance(1))
    out.print(f"{len(paths)} videos in {corpus} ({time.monotonic() - began:.1f} s)", soft_wrap=True)

    out.rule("2. Ingest, through Dagster")
    outcome = ingest([corpus], load_settings(), folders, progress)
    ingest_command.show(outcome)

    out.rule(f"3. {len(DEMO_QUESTIONS)} questions")
    _ask(DEMO_QUESTIONS, folders)

    out.rule("4. The same in SQL")
    _run_sql(folders)

    out.rule("Next")
    program = os.path.relpath(Path(sys.executable).with_name("reelindex"))
    where = "" if home is None else f" --home {home}"
    for command, what in (
        ("ui", "the web UI: the asset graph, this run, every number"),
        ("search 'a question'", "your own questions"),
        ("check", "what must be true of every table, with pages to look at"),
        ("ingest FOLDER", "your own videos"),
    ):
        out.print(f"{program} {command}{where}", style="bold", highlight=False, markup=False, soft_wrap=True)
        out.print(f"    {what}", highlight=False)
    if outcome.failures:
        raise typer.Exit(EXIT_SOME_FAILED)


def _ask(questions: tuple[str, ...], folders: Home) -> None:
    from retrieval import open_index

    with open_index(folders.lake, cache_dir=folders.caches) as index:
        for question in questions:
            out.print(f"\n? {question}", style="bold cyan", highlight=False)
            search_command.show(index.search(question, limit=RESULTS_SHOWN))


def _run_sql(folders: Home) -> None:
    from lake.sql import SqlSession
    from lake.store import Lake

    out.print(f'reelindex sql "{STATEMENT}"\n', style="dim", highlight=False, markup=False)
    sql_command.show(SqlSession(Lake(folders.lake, create=False)).run(STATEMENT))
