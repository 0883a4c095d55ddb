"""From covered candidates to a release, and back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from encoders.family import ModelSpec
from kernel.errors import ReelindexError
from lake.errors import ReleaseRaced
from lake.releases import Release, Releases
from lake.schema import SPACES, Space, vectors_table_name
from lake.store import Lake
from quality.candidate_gates import GATE_NAMES
from quality.context import context_of
from quality.gates import FIRST_RELEASE_GATES, Case, GateResult, run_gate
from quality.judging import Judgement, judge
from quality.policy import PromotionPolicy
from stages.models import Models
from stages.scope import Scope

TUNED = "tuned"
"""Where the evidence of a release keeps how its fusion was tuned, and the weights of the settings at that time."""


class NotPromoted(ReelindexError):
    """A candidate was to go live and may not."""


class NoWayBack(ReelindexError):
    """There is no earlier release, or what it needs has been dropped."""


@dataclass(frozen=True, slots=True)
class ReleaseDecision:
    """What was decided about a release, and why.

    Attributes:
        release: The release that search reads now, None before the first.
        made: Whether it was made by this decision.
        gates: The gates behind the decision: those run now, or, where nothing was judged, those of the live release.
        reason: In a sentence.
        judgements: Of the candidates that are not live, by what is known of them now.
    """

    release: Release | None
    made: bool
    gates: tuple[GateResult, ...]
    reason: str
    judgements: tuple[Judgement, ...] = ()


def decide_release(
    scope: Scope,
    models: Models,
    fusion: Mapping[str, float],
    policy: PromotionPolicy,
    *,
    cache_dir: Path | None = None,
) -> ReleaseDecision:
    """Makes the first release, or puts candidates that have earned it in the place of live versions.

    A first release has nothing to be compared with: coverage and integrity decide. A later candidate must pass every
    gate; where the policy is not automatic, or somebody has rolled the version back, it is judged and waits.
    """
    live = Releases(scope.lake).find_live()
    if live is None:
        return _first(scope, models, fusion, policy)
    candidates = _candidates(models, live)
    unwanted = Releases(scope.lake).rolled_back()
    chosen = fusion_after(live, fusion)
    judgements = [
        judge(Case(scope, models, policy, space, spec, live, chosen, cache_dir))
        for space, spec in candidates.items()
        if spec.version not in unwanted
    ]
    ready = [one for one in judgements if policy.automatic and not one.failed]
    if ready:
        try:
            release = _promote(scope.lake, models, live, chosen, policy, ready, "every gate was passed")
        except ReleaseRaced:
            # Somebody else made a release in the meantime: what was measured was measured against another one.
            return decide_release(scope, models, fusion, policy, cache_dir=cache_dir)
        return ReleaseDecision(release, True, _gates(ready), release.reason, tuple(judgements))
    return _wait(live, judgements, [spec.version for spec in candidates.values() if spec.version in unwanted])


def promote(
    scope: Scope,
    models: Models,
    fusion: Mapping[str, float],
    policy: PromotionPolicy,
    *,
    space: Space,
    waive: Collection[str] = (),
    reason: str = "",
    cache_dir: Path | None = None,
) -> ReleaseDecision:
    """Puts the configured version of a space in the place of the live one, because somebody says so.

    Every gate must be passed, except those that are waived by name; the release remembers which.

    Raises:
        NotPromoted: It is live already, still fills, or failed a gate that was not waived; or a waived gate is none.
        NoRelease: There is nothing that it could follow.
        ReleaseRaced: Another release was made in the meantime.
    """
    unknown = sorted(set(waive) - set(GATE_NAMES))
    if unknown:
        raise NotPromoted(f"there is no gate {', '.join(unknown)} to waive.", remedy=f"Gates: {', '.join(GATE_NAMES)}.")
    live = Releases(scope.lake).live()
    spec = _candidates(models, live).get(space)
    if spec is None:
        raise NotPromoted("the version that the settings name is live already.", where=f"{space} {live.spaces[space]}")
    fusion = fusion_after(live, fusion)
    judgement = judge(Case(scope, models, policy, space, spec, live, fusion, cache_dir))
    in_the_way = [gate for gate in judgement.failed if gate.gate not in waive or judgement.is_filling]
    if in_the_way:
        raise NotPromoted(
            "; ".join(f"{gate.gate}: {gate.message}" for gate in in_the_way),
            where=spec.version,
            remedy="`reelindex backfill` fills it."
            if judgement.is_filling
            else f"`reelindex promote {space} --waive {in_the_way[0].gate}` passes over a gate, and is remembered.",
        )
    why = reason or "promoted by hand"
    release = _promote(scope.lake, models, live, fusion, policy, [judgement], why, waived=sorted(waive))
    return ReleaseDecision(release, True, judgement.gates, release.reason, (judgement,))


def roll_back(lake: Lake, *, to: int | None = None, reason: str = "") -> Release:
    """Makes the release before the live one live again, as a new release; or another earlier one.

    Raises:
        NoRelease: Nothing has been released.
        NoWayBack: There is no such earlier release, or the vectors of one of its versions have been dropped.
        ReleaseRaced: Another release was made in the same moment.
    """
    releases = {release.release_id: release for release in Releases(lake).all()}
    live = Releases(lake).live()
    number = _before(live, releases) if to is None else to
    target = releases.get(number) if number is not None else None
    if target is None or target.release_id >= live.release_id:
        named = "before the live one" if to is None else f"{to} before the live release {live.release_id}"
        raise NoWayBack(f"there is no release {named}.", where=str(lake.folder))
    gone = [one for space, one in target.spaces.items() if not lake.has_table(vectors_table_name(space, one))]
    if gone:
        raise NoWayBack(
            f"release {target.release_id} needs {', '.join(gone)}, which has been dropped.",
            where=str(lake.folder),
            remedy="Name the model in reelindex.toml again: a backfill makes its vectors anew.",
        )
    return Releases(lake).append(
        kind="rollback",
        spaces=target.spaces,
        fusion=target.fusion,
        evidence={**target.evidence, "rolled_back_to": target.release_id},
        reason=f"rolled back to release {target.release_id}" + (f": {reason}" if reason else ""),
        after=live,
    )


def fusion_after(live: Release, settled: Mapping[str, float]) -> Mapping[str, float]:
    """The fusion of a release that follows `live`: that of the settings, `settled`, unless `live` was tuned.

    Tuned weights stay until somebody changes those of the settings.
    """
    tuned = live.evidence.get(TUNED)
    return live.fusion if tuned and tuned["settings"] == dict(settled) else settled


def _before(live: Release, releases: Mapping[int, Release]) -> int | None:
    """The release whose versions were live before those of the live one were.

    A release that went back stands where the one that it went back to stands: going back twice goes two steps.
    """
    standing = live
    while "rolled_back_to" in standing.evidence and standing.kind == "rollback":
        standing = releases[standing.evidence["rolled_back_to"]]
    return standing.predecessor


def _candidates(models: Models, live: Release) -> dict[Space, ModelSpec]:
    specs = {space: models.spec(space) for space in SPACES}
    return {space: spec for space, spec in specs.items() if live.spaces.get(space) != spec.version}


def _first(scope: Scope, models: Models, fusion: Mapping[str, float], policy: PromotionPolicy) -> ReleaseDecision:
    cases = [Case(scope, models, policy, space, models.spec(space)) for space in SPACES]
    gates = tuple(run_gate(gate, case) for case in cases for gate in FIRST_RELEASE_GATES)
    failed = [gate for gate in gates if not gate.passed]
    if failed:
        reason = "; ".join(f"{gate.space} {gate.gate}: {gate.message}" for gate in failed)
        return ReleaseDecision(None, False, gates, f"no release: {reason}")
    for case in cases:
        # A space without subjects has loaded no model, and yet its queries will be embedded.
        models.register(case.spec)
    spaces: dict[str, str] = {case.space: case.spec.version for case in cases}
    try:
        release = Releases(scope.lake).append(
            kind="first",
            spaces=spaces,
            fusion=fusion,
            evidence=_evidence(scope.lake, spaces, gates, policy),
            reason="the first release: coverage and integrity",
            after=None,
        )
    except ReleaseRaced:
        # Another process ended its ingest in the same moment, and its release is as good.
        return _wait(Releases(scope.lake).live(), [], [])
    return ReleaseDecision(release, True, gates, release.reason)


def _promote(
    lake: Lake,
    models: Models,
    live: Release,
    fusion: Mapping[str, float],
    policy: PromotionPolicy,
    judgements: Sequence[Judgement],
    why: str,
    waived: Sequence[str] = (),
) -> Release:
    taken = {one.case.space: one.case.spec for one in judgements}
    for spec in taken.values():
        models.register(spec)
    spaces: dict[str, str] = {**live.spaces, **{space: spec.version for space, spec in taken.items()}}
    comparisons = {one.case.space: one.comparison.to_dict() for one in judgements if one.comparison}
    evidence = _evidence(lake, spaces, _gates(judgements), policy)
    gone = [one for space, one in spaces.items() if not lake.has_table(vectors_table_name(space, one))]
    if gone:
        raise NotPromoted(f"{', '.join(gone)} has been dropped in the meantime.", where=str(lake.folder))
    return Releases(lake).append(
        kind="promotion",
        spaces=spaces,
        fusion=fusion,
        evidence={**evidence, **_tuning(live, fusion), "comparison": comparisons, "waived": list(waived)},
        reason=f"{', '.join(f'{space}: {spec.version}' for space, spec in taken.items())}; {why}",
        after=live,
    )


def _tuning(live: Release, fusion: Mapping[str, float]) -> dict[str, Any]:
    """How the fusion was tuned, where it is still that of a tuned release."""
    kept = TUNED in live.evidence and dict(fusion) == dict(live.fusion)
    return {TUNED: live.evidence[TUNED]} if kept else {}


def _evidence(
    lake: Lake, spaces: Mapping[str, str], gates: Sequence[GateResult], policy: PromotionPolicy
) -> dict[str, Any]:
    return {"gates": [gate.to_dict() for gate in gates], "context": context_of(lake, spaces, policy)}


def _gates(judgements: Sequence[Judgement]) -> tuple[GateResult, ...]:
    return tuple(gate for one in judgements for gate in one.gates)


def _wait(live: Release, judgements: Sequence[Judgement], unwanted: Sequence[str]) -> ReleaseDecision:
    said = [f"release {live.release_id} stays live", *(_standing(one) for one in judgements)]
    said += [f"{version} was rolled back and waits for `reelindex promote`" for version in unwanted]
    judged = [one for one in judgements if not one.is_filling]
    kept = tuple(GateResult.from_dict(verdict) for verdict in live.evidence.get("gates", ()))
    fresh = {(gate.space, gate.gate): gate for gate in _gates(judged)}
    gates = tuple(fresh.pop((gate.space, gate.gate), gate) for gate in kept) + tuple(fresh.values())
    return ReleaseDecision(live, False, gates, "; ".join(said), tuple(judgements))


def _standing(judgement: Judgement) -> str:
    version = judgement.case.spec.version
    if judgement.is_filling:
        return f"{version} is filling: {100 * (judgement.gates[0].measured or 0):.0f} %, not searched"
    if judgement.failed:
        return f"{version} stays a candidate: " + "; ".join(f"{gate.gate}: {gate.message}" for gate in judgement.failed)
    return f"{version} has passed every gate and waits for `reelindex promote`"
