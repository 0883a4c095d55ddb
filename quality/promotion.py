"""From covered candidates to a release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from encoders.family import ModelSpec
from lake.errors import ReleaseRaced
from lake.releases import Release, Releases
from lake.schema import SPACES, Space
from quality.gates import FIRST_RELEASE_GATES, GateResult, run_gate
from stages.models import Models
from stages.scope import Scope


@dataclass(frozen=True, slots=True)
class ReleaseDecision:
    """What was decided about a release, and why.

    Attributes:
        release: The release that search reads now, None before the first.
        made: Whether it was made by this decision.
        gates: The gates behind the release: those run now, or, where it was made before, those it was made by.
        reason: In a sentence.
    """

    release: Release | None
    made: bool
    gates: tuple[GateResult, ...]
    reason: str


def decide_release(scope: Scope, models: Models, fusion: Mapping[str, float]) -> ReleaseDecision:
    """Makes the first release when every space has passed its gates.

    A later candidate is never put in the place of a live version here: that needs a comparison of their answers.
    """
    releases = Releases(scope.lake)
    live = releases.find_live()
    candidates: dict[Space, ModelSpec] = {space: models.spec(space) for space in SPACES}
    if live is not None:
        return _keep(live, candidates)
    gates = tuple(
        run_gate(gate, scope, space, spec) for space, spec in candidates.items() for gate in FIRST_RELEASE_GATES
    )
    failed = [gate for gate in gates if not gate.passed]
    if failed:
        reason = "; ".join(f"{gate.space} {gate.gate}: {gate.message}" for gate in failed)
        return ReleaseDecision(None, False, gates, f"no release: {reason}")
    for spec in candidates.values():
        # A space without subjects has loaded no model, and yet its queries will be embedded.
        models.register(spec)
    try:
        release = releases.append(
            spaces={space: spec.version for space, spec in candidates.items()},
            fusion=fusion,
            evidence={f"{gate.space}.{gate.gate}": gate.to_dict() for gate in gates},
            reason="the first release: coverage and integrity",
            after=None,
        )
    except ReleaseRaced:
        # Another process ended its ingest in the same moment, and its release is as good.
        return _keep(releases.live(), candidates)
    return ReleaseDecision(release, True, gates, release.reason)


def _keep(live: Release, candidates: Mapping[Space, ModelSpec]) -> ReleaseDecision:
    waiting = [spec.version for space, spec in candidates.items() if live.spaces.get(space) != spec.version]
    reason = f"release {live.release_id} stays live"
    if waiting:
        reason += f"; filled beside it, not searched: {', '.join(waiting)}"
    gates = tuple(GateResult.from_dict(verdict) for verdict in live.evidence.values())
    return ReleaseDecision(live, False, gates, reason)
