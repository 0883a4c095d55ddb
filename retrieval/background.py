"""What a cosine means in a version: how near anything is to a query that it has nothing to do with.

Two models whose answers are equally good may give cosines of 0.3 and of 0.8. Sentences about everyday things are held
against a sample of what is stored; nearly all of these pairs are unrelated, so their mean and deviation are those of
chance.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lake.store import Lake
from lake.vectors import rows_of, unit
from retrieval.query_encoders import EmbedsQueries

if TYPE_CHECKING:
    import lance

SAMPLE = 512
"""Stored vectors that are looked at."""
LEAST_DEVIATION = 1e-3
"""Of cosines: a space whose vectors are all the same has none, and nothing in it means anything."""

PROBES = (
    "a dog running on grass",
    "a city street at night",
    "two people talking at a table",
    "hands chopping vegetables",
    "a red car on a road",
    "children playing football",
    "a mountain under snow",
    "waves breaking on a beach",
    "a woman smiling at the camera",
    "a man giving a speech",
    "a cat asleep on a sofa",
    "a train arriving at a station",
    "a close-up of a flower",
    "an aeroplane taking off",
    "fireworks over a river",
    "a cartoon character dancing",
    "a chart on a screen",
    "a person typing on a keyboard",
    "a band playing on stage",
    "a horse jumping a fence",
    "an empty room with a window",
    "text on a white background",
    "the economy grew last year",
    "how to install the software",
    "the doctor explains the treatment",
    "our team won the match",
    "welcome to this lesson",
    "the history of the city",
    "turn left at the next corner",
    "thank you for watching",
    "this recipe needs two eggs",
    "the planet orbits a distant star",
)
"""What is seen and what is said, in a sentence each."""


@dataclass(frozen=True, slots=True)
class Background:
    """Cosines of unrelated pairs in one version.

    Attributes:
        mean, deviation: Of the cosines.
        rows: How many vectors there were.
    """

    mean: float
    deviation: float
    rows: int

    def above_chance(self, cosines: NDArray[np.float64]) -> NDArray[np.float64]:
        """By how many deviations cosines exceed the mean; negative where they do not."""
        return (cosines - self.mean) / self.deviation


def chance_level(rows: int) -> float:
    """How many deviations above the mean the best of so many unrelated ones is, to first order: `sqrt(2 ln n)`.

    Source: the expected maximum of n independent normal variables (Cramer 1946, section 28.6).
    """
    return math.sqrt(2 * math.log(max(rows, 2)))


class Backgrounds:
    """The backgrounds of one lake's versions: measured at first use, and again when there is twice as much."""

    def __init__(self, lake: Lake, encoders: EmbedsQueries) -> None:
        self._lake = lake
        self._encoders = encoders
        self._lock = threading.Lock()
        self._known: dict[str, Background] = {}

    def of(self, table: str, version: str) -> Background:
        """The background of a version whose vectors are in `table`."""
        snapshot = self._lake.snapshot(table)
        rows = snapshot.count_rows()
        with self._lock:
            known = self._known.get(table)
            if known is None or rows >= 2 * known.rows or rows < known.rows // 2:
                known = self._known[table] = self._measure(snapshot, version, rows)
        return Background(known.mean, known.deviation, max(rows, 1))

    def _measure(self, snapshot: lance.LanceDataset, version: str, rows: int) -> Background:
        if not rows:
            return Background(0.0, 1.0, 0)
        chosen = np.linspace(0, rows - 1, min(SAMPLE, rows), dtype=np.int64).tolist()
        stored = rows_of(snapshot.take(chosen, columns=["vector"])["vector"])
        asked = np.stack([self._encoders.embed(version, probe) for probe in PROBES])
        cosines = asked @ unit(stored).T
        return Background(float(cosines.mean()), max(float(cosines.std()), LEAST_DEVIATION), rows)
