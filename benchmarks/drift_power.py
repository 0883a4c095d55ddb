"""How often drift is seen where there is none, and where there is.

    python -m benchmarks.drift_power [--features FEATURES.npz] [--curves PICTURE.svg]

Without `FEATURES.npz` the worlds are simulated; with it, as `training.from_features` reads it, its pictures are placed
by the default visual model and stand for videos. For each pair of sizes 20 references are drawn, and thresholds are
measured on each as the product does. 5 sets of current videos of the same population are held against each: 100 looks
that should see nothing; and one set for each kind of change: 20 looks that should. Printed is the share of looks that
end in an error (both methods) and, after the slash, in an error or a warning.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.drift_worlds import CHANGES, NEW_CONTENT, Means, Real, Simulated, World, unit
from encoders.adapter import Head, open_tower, resolve_tower
from encoders.adapter_file import find_head, locate_head, read_header, read_tensors
from encoders.conse import Conse
from encoders.family import Runtime
from encoders.protocols import Seen
from quality.drift.calibration import calibrate
from quality.drift.methods import scores
from quality.drift.verdict import Drift, judge

REFERENCES = 20
LOOKS_EACH = 5
SIZES = ((32, 16), (64, 32), (128, 64), (256, 128), (512, 256))
NOTHING = "nothing changed"
HEAD, TOWER = "flickr8k", "conse"

Looks = Mapping[str, Counter[Drift]]


def main(arguments: Sequence[str]) -> int:
    """Prints a table with a row a size, and draws it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=Path, help="features of pictures, for real vectors")
    parser.add_argument("--curves", type=Path, help="where the curves are drawn")
    asked = parser.parse_args(arguments)
    draw: Callable[[int], World] = Simulated.draw
    if asked.features:
        vectors = _placed(asked.features)
        print(f"{len(vectors):,} vectors of {vectors.shape[1]} dimensions by adapter:{HEAD}")
        draw = lambda seed: Real.draw(vectors, seed)  # noqa: E731
    names = (NOTHING, *CHANGES)
    print("| before | now | " + " | ".join(names) + " | seconds a calibration |")
    print("|---" * (len(names) + 3) + "|")
    by_size: dict[tuple[int, int], Looks] = {}
    for before, now in SIZES:
        by_size[before, now], calibration_s = measure(draw, before, now)
        cells = [f"{both:.2f} / {either:.2f}" for both, either in (_shares(by_size[before, now][n]) for n in names)]
        print(f"| {before} | {now} | " + " | ".join(cells) + f" | {calibration_s:.1f} |", flush=True)
    if asked.curves:
        draw_curves(by_size, asked.curves)
    return 0


def measure(draw: Callable[[int], World], before: int, now: int) -> tuple[Looks, float]:
    """Verdicts by what was done to the current videos, and the seconds that a calibration took."""
    found: dict[str, Counter[Drift]] = {name: Counter() for name in (NOTHING, *CHANGES)}
    spent_s = 0.0
    for seed in range(REFERENCES):
        world, random = draw(seed), np.random.default_rng(seed)
        # Drawn together, so that no vector of a real world is on both sides.
        drawn = world.videos(before + LOOKS_EACH * now, random)
        reference, current = drawn[:before], drawn[before:].reshape(LOOKS_EACH, now, -1)
        began = time.monotonic()
        thresholds = calibrate(reference, now)
        spent_s += time.monotonic() - began
        for one in current:
            found[NOTHING][judge(scores(reference, one), thresholds).drift] += 1
        for name, change in CHANGES.items():
            changed = change(world, current[0], random)
            found[name][judge(scores(reference, changed), thresholds).drift] += 1
    return found, spent_s / REFERENCES


def draw_curves(by_size: Mapping[tuple[int, int], Looks], path: Path) -> None:
    """The share of looks that end in an error, by size: new content on the left, broken encoders on the right."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.8), layout="constrained")
    panels: Any = figure.subplots(1, 2, sharey=True)
    broken = [name for name in CHANGES if name not in NEW_CONTENT]
    for panel, names, title in zip(panels, (NEW_CONTENT, broken), ("new content", "something broke"), strict=True):
        for name in (NOTHING, *names):
            rates = [_shares(looks[name])[0] for looks in by_size.values()]
            style = {"color": "black", "linestyle": ":"} if name == NOTHING else {}
            panel.plot(range(len(rates)), rates, marker="o", markersize=4, label=name, **style)
        panel.axhline(0.05, color="grey", linewidth=0.6)
        labels = [f"{before}\n{now}" for before, now in by_size]
        panel.set_xticks(range(len(labels)), labels)
        panel.set(xlabel="videos before and now", title=title, ylim=(-0.03, 1.03))
        panel.legend(frameon=False, fontsize=8)
    panels[0].set_ylabel("share of looks that end in an error")
    figure.savefig(path)
    print(f"curves: {path}")


def _shares(looks: Counter[Drift]) -> tuple[float, float]:
    both = looks[Drift.BOTH_METHODS] / looks.total()
    return both, both + looks[Drift.ONE_METHOD] / looks.total()


def _placed(features: Path) -> Means:
    """Where the default model places the pictures of a file of features."""
    with np.load(features, allow_pickle=False) as content:
        rows = content["features"].astype(np.float32)
    tower = open_tower(resolve_tower(TOWER), Runtime())
    assert isinstance(tower, Conse)
    path = locate_head(find_head(HEAD))
    head = Head(read_tensors(path), read_header(path).words)
    return unit(head.place_pictures(Seen(rows, tower.place(rows))))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
