"""One look at one version: who is on which side, what the methods say, and what a person should see of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from kernel.progress import Progress
from lake.drift_references import DriftReference, DriftReferences, Thresholds
from lake.schema import Space, vectors_table_name
from lake.store import Lake
from quality.drift.calibration import SPLITS, calibrate
from quality.drift.methods import scores
from quality.drift.movers import Mover, movers
from quality.drift.page import write_page
from quality.drift.quantities import QuantityDrift, centre_of, compare, quantities
from quality.drift.verdict import Drift, Verdict, judge
from quality.drift.windows import CURRENT_SIZES, REFERENCE_LEAST, Membership, Window, membership, window


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a space in the version that is searched.

    Attributes:
        space, version: Of the vectors.
        until: Videos that were first seen until then are the reference.
        sides: Who is on which side.
        verdict: Of the vectors.
        quantities: Each with its own verdict; none where there are too few videos.
        movers: The most novel of the current videos.
        page: Evidently's page; None where there are too few videos.
    """

    space: Space
    version: str
    until: datetime
    sides: Membership
    verdict: Verdict
    quantities: Sequence[QuantityDrift] = ()
    movers: Sequence[Mover] = ()
    page: Path | None = None

    @property
    def drifted(self) -> list[QuantityDrift]:
        """The quantities that are not what they were."""
        return [one for one in self.quantities if one.has_drifted]

    @property
    def message(self) -> str:
        """What the vectors say, as a person reads it."""
        since = f"{self.until:%Y-%m-%d %H:%M} UTC"
        if self.verdict.drift is Drift.TOO_FEW:
            return (
                f"Not decided: {self.sides.references:,} videos until {since} and {self.sides.later:,} since then; "
                f"it takes {REFERENCE_LEAST} and {CURRENT_SIZES[0]}."
            )
        found, limits = self.verdict.scores, self.verdict.thresholds
        assert found is not None
        assert limits is not None
        told = (
            f"The {len(self.sides.current)} newest videos since {since}, against {len(self.sides.reference)} before: a "
            f"classifier tells them apart with an area of {found.auc:.3f} (limit {limits.auc:.3f}), and their "
            f"discrepancy is {found.mmd:.4f} (limit {limits.mmd:.4f})."
        )
        return f"{told} {_CONSEQUENCE[self.verdict.drift]}"


_CONSEQUENCE = {
    Drift.NONE: "That happens between parts of the reference itself.",
    Drift.ONE_METHOD: "One method alone sees something: look at the videos that are most novel.",
    Drift.BOTH_METHODS: (
        "Both methods see it. Look at the videos that are most novel: if that is what your corpus is becoming, measure "
        "retrieval on queries for it, and take it as the new reference with `reelindex check --accept-drift`; if they "
        "are damaged or their vectors are, `reelindex check` says which checks fail beside this one."
    ),
}


def look(lake: Lake, space: Space, version: str, page: Path, progress: Progress) -> Look:
    """Compares the newest videos with the reference of a version; the first look makes what is there the reference.

    A new version takes over the moment of the version before it, and measures thresholds of its own.

    Args:
        lake: Where both are.
        space: Of the version.
        version: The one that is searched.
        page: Where Evidently's page goes.
        progress: Told of the splits that thresholds are measured on.
    """
    table = vectors_table_name(space, version)
    references = DriftReferences(lake)
    reference = references.find(version)
    if reference is None:
        until = references.newest_until(space) or datetime.now(UTC)
        reference = DriftReference(version, space, until, {})
    sides = membership(lake, table, reference.until)
    if sides.references >= REFERENCE_LEAST and references.find(version) is None:
        references.keep(reference)
    if not sides.current:
        return Look(space, version, reference.until, sides, Verdict(Drift.TOO_FEW))
    before, now = window(lake, table, sides.reference), window(lake, table, sides.current)
    thresholds = _thresholds(references, reference, before, len(now), progress)
    centre = centre_of(before.means)
    numbers = quantities(lake, before, centre), quantities(lake, now, centre)
    return Look(
        space,
        version,
        reference.until,
        sides,
        judge(scores(before.means, now.means), thresholds),
        compare(*numbers),
        movers(before, now),
        write_page(page, space, (before, now), numbers),
    )


def _thresholds(
    references: DriftReferences, reference: DriftReference, before: Window, current: int, progress: Progress
) -> Thresholds:
    """Those that are kept for this many current videos; measured where there are none, or the reference has grown."""
    known = reference.thresholds.get(current)
    if known is not None and known.reference + known.current == len(before):
        return known
    with progress.task(f"measuring drift thresholds ({reference.space})", SPLITS, "splits") as advance:
        measured = calibrate(before.means, current, advance)
    references.keep(replace(reference, thresholds={**reference.thresholds, current: measured}))
    return measured
