"""A migration with no hand on it: the daemon fills a new visual encoder and switches to it while searches go on.

    python -m benchmarks.migration CORPUS --home HOME

Ingests the corpus's videos unless the home holds them, starts `reelindex ui`, changes the line `visual` of the settings
file, and watches. A search loop asks the corpus's queries one after the other all the time. Every answer must come
from the release that was live as it was asked or as it came. At the end the migration is rolled back, and timed.
The timeline goes to standard output; the exit code is 0 only if nothing went wrong.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from benchmarks.evaluation_corpus import labelled_queries
from benchmarks.processes import run_measured
from kernel.errors import ReelindexError
from lake.releases import Releases
from lake.schema import SEGMENTS, vectors_table_name
from lake.store import Lake
from retrieval import open_index

BEFORE, AFTER = "conse", "adapter:flickr8k"
SETTINGS = """\
[models]
visual = "{visual}"
[backfill]
chunk_segments = {chunk}
[promotion]
evaluation = "{queries}"
"""
LOOK_EVERY_S = 1.0
WARM_UP_S = 30.0
AFTERWARDS_S = 5.0
ANSWER_WITHIN_S = 10.0
RELEASES_SEEN = 3
"""The first, the promoted one, and the one that goes back."""


@dataclass
class Searches:
    """What a search loop saw, written by one thread.

    Attributes:
        answers: Answers by release.
        errors: What searches raised.
        mixed: Answers from a release that was live neither before nor after them.
        slowest_s: The longest that a search took.
    """

    answers: Counter[int] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    mixed: int = 0
    slowest_s: float = 0.0


def search_until(stopped: Event, lake_folder: Path, cache_dir: Path, queries: Sequence[str], seen: Searches) -> None:
    """Asks the queries in turn through one index that is opened once."""
    releases = Releases(Lake(lake_folder, create=False))
    with open_index(lake_folder, cache_dir=cache_dir) as index:
        number = 0
        while not stopped.is_set():
            began, before = time.monotonic(), releases.live().release_id
            try:
                found = index.search(queries[number % len(queries)])
            except Exception as error:  # every kind of failure is what this looks for
                seen.errors.append(f"{type(error).__name__}: {error}")
                continue
            finally:
                number += 1
            seen.answers[found.release_id] += 1
            seen.mixed += not before <= found.release_id <= releases.live().release_id
            seen.slowest_s = max(seen.slowest_s, time.monotonic() - began)


@dataclass(frozen=True, slots=True)
class Timeline:
    """Prints what happened, with the seconds since it began."""

    began: float = field(default_factory=time.monotonic)

    def tell(self, what: str) -> None:
        """One line."""
        print(f"{time.monotonic() - self.began:8.1f} s  {what}", flush=True)


class NoMigration(ReelindexError):
    """The daemon did not do what it is for."""


@contextmanager
def daemon(home: Path, folder: Path) -> Iterator[None]:
    """`reelindex ui` with the settings file in `folder`; ended with all its processes."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = str(listener.getsockname()[1])
    with (folder / "ui.log").open("w") as log:
        process = subprocess.Popen(
            reelindex("ui", "--home", str(home), "--port", port),
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def searching(home: Path, queries: Sequence[str]) -> Iterator[Searches]:
    """A search loop for as long as the context is open."""
    seen, stopped = Searches(), Event()
    thread = Thread(target=search_until, args=(stopped, home / "lake", home / "caches", queries, seen))
    thread.start()
    try:
        yield seen
    finally:
        stopped.set()
        thread.join()


def reelindex(*arguments: str) -> list[str]:
    """The command line as a program."""
    return [sys.executable, "-c", "from orchestration.cli import main; main()", *arguments]


def watch(home: Path, timeline: Timeline, timeout_s: float) -> None:
    """Tells how far the candidate is until it is live.

    Raises:
        NoMigration: It was not in time.
    """
    from encoders.registry import resolve

    lake = Lake(home / "lake", create=False)
    wanted, told = resolve("visual", AFTER).version, -1
    table = vectors_table_name("visual", wanted)
    deadline = time.monotonic() + timeout_s
    while Releases(lake).live().spaces["visual"] != wanted:
        if time.monotonic() > deadline:
            raise NoMigration(f"{wanted} was not live after {timeout_s:.0f} s.", where=str(home))
        rows = lake.count(table) if lake.has_table(table) else 0
        if rows != told:
            timeline.tell(f"{wanted}: {rows} of {lake.count(SEGMENTS.name)} segments have their vector")
            told = rows
        time.sleep(LOOK_EVERY_S)


def migrate(corpus: Path, home: Path, folder: Path, *, timeout_s: float, chunk: int) -> list[str]:
    """Runs the whole of it.

    Returns:
        What went wrong, nothing if all went well.

    Raises:
        NoMigration: The candidate did not go live in time.
        RunFailed: The ingest or the rollback failed.
    """
    timeline = Timeline()
    named = corpus / "queries.csv"
    settings = folder / "reelindex.toml"
    queries = [query.text for query in labelled_queries(corpus, named.name)]
    settings.write_text(SETTINGS.format(visual=BEFORE, chunk=chunk, queries=named))
    ingested = run_measured(
        reelindex("ingest", str(corpus / "videos"), "--home", str(home)), folder=folder, environment={}
    )
    timeline.tell(f"ingested ({ingested.wall_s:.1f} s)")
    with searching(home, queries) as seen, daemon(home, folder):
        time.sleep(WARM_UP_S)
        timeline.tell(f"the daemon is up; {seen.answers.total()} answers so far")
        settings.write_text(SETTINGS.format(visual=AFTER, chunk=chunk, queries=named))
        timeline.tell(f"one line changed: visual = {AFTER}")
        watch(home, timeline, timeout_s)
        live = Releases(Lake(home / "lake", create=False)).live()
        timeline.tell(f"release {live.release_id} is live: {live.reason}")
        time.sleep(AFTERWARDS_S)
        back_s = _roll_back(home, timeline, seen)
        time.sleep(AFTERWARDS_S)
    timeline.tell(f"answers by release: {dict(sorted(seen.answers.items()))}; slowest {seen.slowest_s:.2f} s")
    timeline.tell(f"errors: {len(seen.errors)}; answers from another release than the live one: {seen.mixed}")
    wrong = [*seen.errors[:5]]
    if seen.mixed:
        wrong.append(f"{seen.mixed} answers came from another release than the live one")
    if back_s >= 1:
        wrong.append(f"the rollback took {back_s:.2f} s")
    if len(seen.answers) < RELEASES_SEEN:
        wrong.append(f"not every release was searched: {dict(seen.answers)}")
    return wrong


def _roll_back(home: Path, timeline: Timeline, seen: Searches) -> float:
    from quality.promotion import roll_back

    began = time.monotonic()
    release = roll_back(Lake(home / "lake", create=False), reason="the benchmark goes back")
    duration_s = time.monotonic() - began
    while not seen.answers[release.release_id] and time.monotonic() - began < ANSWER_WITHIN_S:
        time.sleep(0.001)
    first_s = time.monotonic() - began
    timeline.tell(
        f"rolled back to release {release.release_id} in {duration_s:.3f} s; first answer after {first_s:.3f} s"
    )
    return duration_s


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.migration", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("corpus", type=Path, help="folder with videos/ and queries.csv")
    parser.add_argument("--home", type=Path, required=True, help="an ingest of the videos, or a folder to make it in")
    parser.add_argument("--chunk", type=int, default=60, help="segments of a backfill run (default: %(default)s)")
    parser.add_argument("--timeout-s", type=float, default=900, help="for the switch (default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as folder:
            wrong = migrate(
                options.corpus.resolve(),
                options.home.resolve(),
                Path(folder),
                timeout_s=options.timeout_s,
                chunk=options.chunk,
            )
    except ReelindexError as error:
        wrong = [str(error)]
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
