"""CPU time of `reelindex ingest` over that of a minimal loop that does the same work.

    python -m benchmarks.ingest_overhead FOLDER --repeat 3

Each round runs, one after the other and each as its own process: `reelindex ingest` into a new home; the loop of
`benchmarks.minimal_loop`; and the loop with shot detection. Rounds alternate so that a machine that slows down slows
all of them. The CPU time is user and system time of the process and its children.

A new home makes `ingest` do what only a first run does: register its models with their canaries, embed the class
sentences, create the tables, build the indexes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.processes import Run, run_measured
from kernel.errors import ReelindexError

INGEST = "reelindex ingest"
LOOP = "minimal loop"
LOOP_WITH_SHOTS = "minimal loop, shots"
_CHECKOUT = Path(__file__).resolve().parents[1]
_ENVIRONMENT = {
    "GX_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    # Waiting threads that spin would be charged to the loop alone: reelindex switches that off for itself.
    "OMP_WAIT_POLICY": "PASSIVE",
    "GOMP_SPINCOUNT": "0",
}
_SOME_FILES_FAILED = 3


@dataclass(frozen=True, slots=True)
class Contestant:
    """A program and the runs of it so far."""

    name: str
    runs: list[Run]

    @property
    def cpu_s(self) -> list[float]:
        """CPU seconds of each run."""
        return [run.cpu_s for run in self.runs]


def command_of(name: str, folder: Path, scratch: Path) -> list[str]:
    """How a contestant is started; everything it writes goes below `scratch`."""
    if name == INGEST:
        program = Path(sys.executable).with_name("reelindex")
        return [str(program), "ingest", str(folder), "--home", str(scratch / "home"), "--json"]
    shots = ["--with-shots"] if name == LOOP_WITH_SHOTS else []
    return [sys.executable, "-m", "benchmarks.minimal_loop", str(folder), str(scratch / "out"), *shots]


def run_once(name: str, folder: Path) -> Run:
    """One run into a new folder, which is removed afterwards.

    Raises:
        RunFailed: The program ended with an error; `ingest` may have set some files aside.
    """
    with tempfile.TemporaryDirectory(prefix="reelindex-overhead-") as scratch:
        command = command_of(name, folder, Path(scratch))
        accepted = (0, _SOME_FILES_FAILED) if name == INGEST else (0,)
        return run_measured(command, folder=_CHECKOUT, environment=_ENVIRONMENT, accepted=accepted)


def work_of(contestant: Contestant) -> dict[str, Any]:
    """What a contestant says that it did in its last run."""
    said: dict[str, Any] = json.loads(contestant.runs[-1].output)
    if contestant.name == INGEST:
        return {**said["work"], "failures": len(said["failures"])}
    return said


def ratios(numerator: Sequence[float], denominator: Sequence[float]) -> dict[str, float]:
    """The ratio of the minima, which noise disturbs least, and of the medians."""
    return {
        "minimum": min(numerator) / min(denominator),
        "median": statistics.median(numerator) / statistics.median(denominator),
    }


def _report(contestants: Sequence[Contestant]) -> dict[str, Any]:
    ingest, *loops = contestants
    return {
        "cpu_s": {each.name: [round(spent_s, 2) for spent_s in each.cpu_s] for each in contestants},
        "wall_s": {each.name: [round(run.wall_s, 2) for run in each.runs] for each in contestants},
        "ingest_over": {loop.name: ratios(ingest.cpu_s, loop.cpu_s) for loop in loops},
        "work": {each.name: work_of(each) for each in contestants},
    }


def _print(report: dict[str, Any]) -> None:
    for name, spent in report["cpu_s"].items():
        print(f"{name:<22} CPU s: {'  '.join(f'{spent_s:8.1f}' for spent_s in spent)}")
    for name, ratio in report["ingest_over"].items():
        print(f"{INGEST} over {name}: {ratio['minimum']:.3f} (minima), {ratio['median']:.3f} (medians)")
    for name, work in report["work"].items():
        print(f"work of {name}: {json.dumps(work)}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.ingest_overhead", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="folder of videos")
    parser.add_argument("--repeat", type=int, default=3, help="rounds (default: %(default)s)")
    parser.add_argument(
        "--shots", choices=("with", "without", "both"), default="both", help="the loops to compare with (default: both)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        parser.error(f"{options.folder} is not a folder")
    if options.repeat < 1:
        parser.error("--repeat must be at least 1")
    loops = {"with": [LOOP_WITH_SHOTS], "without": [LOOP], "both": [LOOP, LOOP_WITH_SHOTS]}[options.shots]
    contestants = [Contestant(name, []) for name in (INGEST, *loops)]
    try:
        for turn in range(options.repeat):
            for contestant in contestants:
                run = run_once(contestant.name, options.folder.resolve())
                contestant.runs.append(run)
                print(f"round {turn + 1}: {contestant.name}: {run.cpu_s:.1f} CPU s", file=sys.stderr)
    except ReelindexError as error:
        print(error, file=sys.stderr)
        return 1
    report = _report(contestants)
    if options.json:
        print(json.dumps(report, indent=2))
    else:
        _print(report)
    return 0


if __name__ == "__main__":
    sys.exit(main())
