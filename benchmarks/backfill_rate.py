"""How near a backfill comes to the network alone: pictures a second of the stage over those of the raw forward.

    reelindex ingest CORPUS/videos --home HOME
    python -m benchmarks.backfill_rate HOME

A copy of the home's lake gets a visual version that it does not have, through the stage that a backfill run calls:
planning, reading keyframes, decoding JPEGs, the forward, writing to the lake. The raw forward is the same network over
the same pictures, decoded and normalised beforehand, at the batch size that is fastest. Both in turns in one process;
the model is loaded before either is timed. Ratios are of the medians, on the wall clock and in CPU time.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, cast

from encoders.conse import ConseSpec
from encoders.efficientnet import EfficientNetSpec, shared_backbone
from encoders.protocols import ForwardPasses
from encoders.registry import resolve
from kernel.errors import ReelindexError
from lake.failures import Failures
from lake.schema import KEYFRAMES
from lake.store import Lake
from settings import Settings
from stages.models import Models
from stages.scope import Scope
from stages.vectors import embed_segments, table_of

if TYPE_CHECKING:
    import torch

    from encoders.family import Role

CANDIDATES = ("conse:efficientnet-lite2", "conse:efficientnet-lite0")
BATCHES = (4, 8, 16, 32, 64)


@dataclass(frozen=True, slots=True)
class Spent:
    """What some pictures took."""

    pictures: int
    wall_s: float
    cpu_s: float


def timed(work: Callable[[], int]) -> Spent:
    """Runs something that returns how many pictures it pushed through a network."""
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    pictures = work()
    return Spent(pictures, time.perf_counter() - wall_s, time.process_time() - cpu_s)


def backfilled(folder: Path, candidate: str, cache_dir: Path) -> Spent:
    """One backfill of a lake from which the candidate's vectors are removed before."""
    shared_backbone.cache_clear()  # as in a new process: no picture has been seen
    lake = Lake(folder, create=False)
    references = cast("dict[Role, str]", {**Settings().models.references(), "visual": candidate})
    models = Models(lake, references, cache_dir=cache_dir)
    spec = models.spec("visual")
    lake.drop(table_of(spec, "visual").name, aside=".dropping-benchmark")
    loaded = models.visual(spec)
    before: ForwardPasses = loaded.forward_passes

    def work() -> int:
        embed_segments(Scope(lake, Failures(lake, max_attempts=1)), models, "visual")
        return (loaded.forward_passes - before).images

    return timed(work)


def prepared(lake: Lake, classifier: EfficientNetSpec) -> torch.Tensor:
    """Every distinct keyframe as the candidate's network takes it, float32 `(n, 3, px, px)`, channels last."""
    import numpy as np
    import torch

    from encoders.efficientnet import _pixels

    rows = lake.read(KEYFRAMES.name, ["digest", "jpeg"]).to_pylist()
    jpegs = list({row["digest"]: row["jpeg"] for row in rows}.values())
    pixels = np.stack([_pixels(jpeg, classifier, place) for place, jpeg in enumerate(jpegs)])
    inputs = torch.from_numpy(pixels).permute(0, 3, 1, 2).to(torch.float32)
    return inputs.div_(255.0).sub_(classifier.mean).div_(classifier.std)


def forwarded(network: Any, inputs: torch.Tensor, batch: int) -> Spent:
    """The network over all inputs, and nothing else."""
    import torch

    def work() -> int:
        with torch.inference_mode():
            for start in range(0, len(inputs), batch):
                network(inputs[start : start + batch])
        return len(inputs)

    return timed(work)


def measure(home: Path, candidate: str, rounds: int) -> dict[str, float]:
    """The rates and their ratios.

    Raises:
        NoLake: Nothing has been ingested in the home.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "lake"
        shutil.copytree(Lake(home / "lake", create=False).folder, folder)
        classifier = cast(ConseSpec, resolve("visual", candidate)).classifier
        inputs = prepared(Lake(folder, create=False), classifier)
        network = shared_backbone(classifier).network
        forwarded(network, inputs[:64], 8)  # warms up
        best = min(BATCHES, key=lambda batch: forwarded(network, inputs, batch).wall_s)
        raw, stage = [], []
        for number in range(rounds):
            raw.append(forwarded(network, inputs, best))
            stage.append(backfilled(folder, candidate, home / "caches"))
            print(
                f"round {number + 1}: raw {_rate(raw[-1]):.1f}, backfill {_rate(stage[-1]):.1f} pictures/s", flush=True
            )
    wall = [median(spent.wall_s / spent.pictures for spent in runs) for runs in (raw, stage)]
    cpu = [median(spent.cpu_s / spent.pictures for spent in runs) for runs in (raw, stage)]
    return {
        "pictures": len(inputs),
        "best_batch": best,
        "raw_per_s": 1 / wall[0],
        "backfill_per_s": 1 / wall[1],
        "ratio": wall[0] / wall[1],
        "ratio_cpu": cpu[0] / cpu[1],
    }


def _rate(spent: Spent) -> float:
    return spent.pictures / spent.wall_s


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.backfill_rate", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("home", type=Path, help="home of an ingest")
    parser.add_argument("--rounds", type=int, default=5, help="of each, in turns (default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        for candidate in CANDIDATES:
            print(candidate)
            for name, value in measure(options.home, candidate, options.rounds).items():
                print(f"  {name:<16} {value:.3f}" if isinstance(value, float) else f"  {name:<16} {value}")
    except ReelindexError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
