"""What the verdict is worth, where the truth is known."""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
import pytest

from benchmarks.drift_worlds import CHANGES, Simulated
from quality.drift.calibration import calibrate
from quality.drift.methods import scores
from quality.drift.verdict import Drift, judge

REFERENCES = 20
LOOKS_EACH = 5
BEFORE, NOW = 64, 32

pytestmark = pytest.mark.xdist_group("simulated_worlds")


@cache
def _found() -> dict[str, Counter[Drift]]:
    """Verdicts by what was done to the current videos; `nothing` is the same population."""
    found: dict[str, Counter[Drift]] = {name: Counter() for name in ("nothing", *CHANGES)}
    for seed in range(REFERENCES):
        world, random = Simulated.draw(seed), np.random.default_rng(seed)
        before = world.videos(BEFORE, random)
        thresholds = calibrate(before, NOW)
        for _ in range(LOOKS_EACH):
            verdict = judge(scores(before, world.videos(NOW, random)), thresholds)
            found["nothing"][verdict.drift] += 1
        for name, change in CHANGES.items():
            current = change(world, world.videos(NOW, random), random)
            found[name][judge(scores(before, current), thresholds).drift] += 1
    return found


def test_the_same_population_alarms_in_one_look_of_twenty_at_most() -> None:
    looks = _found()["nothing"]
    assert looks.total() == 100
    assert looks[Drift.BOTH_METHODS] <= 5
    assert looks[Drift.ONE_METHOD] <= 5


@pytest.mark.parametrize(
    "world", ["50 % new", "shifted encoder", "corrupted batch", "collapsed encoder", "swapped preprocessing"]
)
def test_what_is_broken_or_new_is_seen(world: str) -> None:
    looks = _found()[world]
    assert looks[Drift.BOTH_METHODS] >= 0.6 * REFERENCES
    assert looks[Drift.BOTH_METHODS] + looks[Drift.ONE_METHOD] >= 0.9 * REFERENCES


def test_more_new_content_is_seen_more_often() -> None:
    seen = [_found()[f"{share} % new"][Drift.BOTH_METHODS] for share in (5, 20, 50)]
    assert seen == sorted(seen)
    assert seen[0] < seen[-1]
