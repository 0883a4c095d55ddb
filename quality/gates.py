"""Gates: the measured conditions that a version must meet before it is in a release.

A first release has nothing to be compared with: coverage and integrity decide. A gate that cannot be computed fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from encoders.family import ModelSpec
from lake.schema import SEGMENTS, Space
from quality.expectations import check_vectors, vector_facts
from stages.scope import Scope
from stages.vectors import plan_vectors, stage_name, table_of

MAX_QUARANTINED_SHARE = 0.05


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


Gate = Callable[[Scope, Space, ModelSpec], GateResult]


def coverage(scope: Scope, space: Space, spec: ModelSpec) -> GateResult:
    """Every subject outside quarantine has the vector that it should have."""
    plan = plan_vectors(scope, space, spec)
    missing = len(plan.todo)
    wanted = plan.current + missing
    # A space may have no subjects: in a corpus without a word the text space is empty, and complete.
    has_segments = scope.lake.count(SEGMENTS.name) > 0
    share = plan.current / wanted if wanted else float(has_segments)
    message = f"{plan.current} of {wanted} subjects have their vector."
    if not has_segments:
        message = "there is nothing to embed yet."
    elif missing:
        message += f" Missing: {missing}; run `reelindex ingest` again."
    passed = has_segments and missing == 0
    return GateResult("coverage", space, spec.version, passed, share, 1.0, message, {"missing": missing})


def quarantine(scope: Scope, space: Space, spec: ModelSpec) -> GateResult:
    """Few enough subjects were set aside."""
    aside = len(scope.failures.quarantined(stage_name(space), spec.version))
    rows = scope.lake.count(table_of(spec, space).name)
    share = aside / (aside + rows) if aside + rows else 0.0
    passed = share <= MAX_QUARANTINED_SHARE
    message = f"{aside} of {aside + rows} subjects are in quarantine."
    if not passed:
        message += " `reelindex quarantine` lists them with reasons."
    return GateResult(
        "quarantine", space, spec.version, passed, share, MAX_QUARANTINED_SHARE, message, {"subjects": aside}
    )


def integrity(scope: Scope, space: Space, spec: ModelSpec) -> GateResult:
    """Great Expectations finds nothing wrong with the vectors."""
    table = table_of(spec, space)
    dim = int(spec.dim)  # type: ignore[attr-defined]
    outcomes = check_vectors(vector_facts(scope.lake, table.name), dim)
    broken = [one for one in outcomes if not one.met]
    message = f"{len(outcomes) - len(broken)} of {len(outcomes)} expectations are met."
    for one in broken:
        examples = f", for instance {', '.join(one.examples)}" if one.examples else ""
        message += f" {one.expectation} of `{one.column}`: {one.unexpected} unexpected{examples}."
    evidence = {"expectations": {f"{one.expectation}({one.column})": one.met for one in outcomes}}
    return GateResult("integrity", space, spec.version, not broken, float(len(broken)), 0.0, message, evidence)


FIRST_RELEASE_GATES: tuple[Gate, ...] = (coverage, quarantine, integrity)


def run_gate(gate: Gate, scope: Scope, space: Space, spec: ModelSpec) -> GateResult:
    """A gate's verdict; one that cannot be computed fails, and says why."""
    try:
        return gate(scope, space, spec)
    except Exception as error:
        name = getattr(gate, "__name__", "gate")
        message = f"the gate could not be computed: {type(error).__name__}: {error}"
        return GateResult(name, space, spec.version, False, None, 0.0, message, {})
