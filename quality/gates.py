"""Gates: the measured conditions that a version must meet before it is in a release.

A first release has nothing to be compared with: coverage and integrity decide. A gate that cannot be computed fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from encoders.family import ModelSpec
from lake.planning import Plan
from lake.releases import Release
from lake.schema import DOCUMENTS, SEGMENTS, Space
from quality.expectations.engine import Examination, demand_computed
from quality.expectations.suites import vectors
from quality.policy import PromotionPolicy
from stages.backlog import lacks
from stages.models import Models
from stages.scope import Scope
from stages.vectors import plan_vectors, stage_name, table_of

CRASHED = "crashed"
"""In the evidence of a gate that could not be computed: the name of the error."""


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate's verdict with what it measured.

    `measured` and `threshold` are numbers in the same unit; `evidence` is what a person would ask for next.
    """

    gate: str
    space: Space
    version: str
    passed: bool
    measured: float | None
    threshold: float
    message: str
    evidence: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "gate": self.gate,
            "space": self.space,
            "version": self.version,
            "passed": self.passed,
            "measured": self.measured,
            "threshold": self.threshold,
            "message": self.message,
            "evidence": self.evidence,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> GateResult:
        """The verdict that `to_dict` wrote."""
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Case:
    """A version that is to be judged.

    Attributes:
        scope: All of the lake.
        models: Those of the settings.
        policy: What it must meet.
        space, spec: What it is.
        live: The release that it would change; None before the first.
        fusion: How the release that it would be in fuses its answers.
        cache_dir: Where models keep derived files.
    """

    scope: Scope
    models: Models
    policy: PromotionPolicy
    space: Space
    spec: ModelSpec
    live: Release | None = None
    fusion: Mapping[str, float] = field(default_factory=dict)
    cache_dir: Path | None = None

    def verdict(
        self, gate: str, passed: bool, measured: float | None, threshold: float, message: str, **evidence: Any
    ) -> GateResult:
        """A verdict about this version."""
        return GateResult(gate, self.space, self.spec.version, passed, measured, threshold, message, evidence)


Gate = Callable[[Case], GateResult]


def coverage(case: Case) -> GateResult:
    """Every subject outside quarantine has the vector that it should have.

    Beside a live version, only what that one answers from counts: what has just come is on its way into both, so that a
    corpus that grows all day can be covered.
    """
    scope = case.scope
    plan = plan_vectors(scope, case.space, case.spec)
    live = _plan_of_live(case)
    missing = len(plan.todo if live is None else lacks(plan, live))
    wanted = plan.current + missing
    # A space may have no subjects: in a corpus without a word the text space is empty, and complete.
    has_segments = scope.lake.count(SEGMENTS.name) > 0
    share = plan.current / wanted if wanted else float(has_segments)
    message = f"{plan.current} of {wanted} subjects have their vector."
    if not has_segments:
        message = "there is nothing to embed yet."
    elif missing:
        command = "ingest" if case.live is None else "backfill"
        message += f" Missing: {missing}; run `reelindex {command}` again."
    passed = has_segments and missing == 0
    return case.verdict("coverage", passed, share, 1.0, message, missing=missing)


def _plan_of_live(case: Case) -> Plan | None:
    if case.live is None:
        return None
    for spec in case.models.wanted(case.space):
        if spec.version == case.live.spaces.get(case.space):
            return plan_vectors(case.scope, case.space, spec)
    return None


def quarantine(case: Case) -> GateResult:
    """Few enough subjects were set aside."""
    most = case.policy.max_quarantined_share
    aside = len(_set_aside(case))
    rows = case.scope.lake.count(table_of(case.spec, case.space).name)
    share = aside / (aside + rows) if aside + rows else 0.0
    passed = share <= most
    message = f"{aside} of {aside + rows} subjects are in quarantine."
    if not passed:
        message += " `reelindex quarantine` lists them with reasons."
    return case.verdict("quarantine", passed, share, most, message, subjects=aside)


def _set_aside(case: Case) -> set[str]:
    """The subjects in quarantine that are still there: a video that was cut again has other segments now."""
    aside = case.scope.failures.quarantined(stage_name(case.space), case.spec.version)
    if not aside:
        return aside
    subjects = SEGMENTS if case.space == "visual" else DOCUMENTS
    return aside & set(case.scope.lake.read(subjects.name, [subjects.key])[subjects.key].to_pylist())


def integrity(case: Case) -> GateResult:
    """Great Expectations finds nothing in the vectors that makes them useless."""
    table = table_of(case.spec, case.space)
    dim = int(case.spec.dim)  # type: ignore[attr-defined]
    outcomes = Examination().ask(vectors.alone(dim), vectors.facts(case.scope.lake, table.name))
    demand_computed(outcomes)
    broken = [one for one in outcomes if not one.met]
    blocking = [one for one in broken if one.requirement.severity == "block"]
    message = f"{len(outcomes) - len(broken)} of {len(outcomes)} expectations are met."
    for one in broken:
        kind = "" if one.requirement.severity == "block" else " (a warning)"
        message += f" {one.requirement.name}{kind}: {one.finding}"
    met = {one.requirement.name: one.met for one in outcomes}
    return case.verdict("integrity", not blocking, float(len(blocking)), 0.0, message, expectations=met)


FIRST_RELEASE_GATES: tuple[Gate, ...] = (coverage, quarantine, integrity)


def run_gate(gate: Gate, case: Case) -> GateResult:
    """A gate's verdict; one that cannot be computed fails, says why, and has `CRASHED` in its evidence."""
    try:
        return gate(case)
    except Exception as error:
        name = getattr(gate, "__name__", "gate")
        message = f"the gate could not be computed: {type(error).__name__}: {error}"
        return case.verdict(name, False, None, 0.0, message, **{CRASHED: type(error).__name__})
