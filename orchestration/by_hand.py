"""A promotion by hand: what the asset `release` does by itself, when a person says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lake.releases import Releases
from lake.schema import SPACES, Space
from lake.store import Lake
from settings import Home, Settings

if TYPE_CHECKING:
    from lake.releases import Release
    from stages.models import Models


def promote_by_hand(
    settings: Settings, home: Home, *, space: Space | None, waive: Sequence[str], reason: str
) -> dict[str, Any]:
    """Puts the version that the settings name in the place of the live one; drops what is retired long enough.

    Args:
        settings: Name the version and the thresholds of the gates.
        home: Where.
        space: Which one; None for the only one that has a candidate.
        waive: Gates to pass over.
        reason: For whoever reads the release later.

    Returns:
        The contract of `promote --json`: `promoted`, `space`, `version`, `release` (the one that search reads now),
        `reason` (of the release, or of the refusal), `gates` (what each measured), `waived`, `dropped`.

    Raises:
        NoLake, NoRelease: There is nothing that it could follow.
        NotPromoted: No space, or more than one, has a candidate; or that of `space` is live already.
    """
    from lake.retention import retire
    from orchestration.resources import build_resources
    from quality.gates import Case
    from quality.judging import judge
    from quality.policy import PromotionPolicy
    from quality.promotion import NotPromoted, promote

    lake = Lake(home.lake, create=False)
    live = Releases(lake).live()
    resources = build_resources(settings, home)
    scope = resources["lake"].scope(None, resources["progress"])
    models: Models = resources["models"].open(resources["lake"])
    policy = PromotionPolicy.from_settings(settings.promotion)
    chosen = space or _only_candidate(models, live)
    spec, fusion = models.spec(chosen), settings.search.fusion()
    outcome: dict[str, Any] = {"space": chosen, "version": spec.version, "waived": sorted(waive), "dropped": []}
    try:
        decision = promote(
            scope,
            models,
            fusion,
            policy,
            space=chosen,
            waive=waive,
            reason=reason,
            cache_dir=home.caches,
        )
    except NotPromoted as refused:
        if live.spaces.get(chosen) == spec.version:
            raise
        # They were asked a moment ago: this looks their answers up.
        case = Case(scope, models, policy, chosen, spec, live=live, fusion=fusion, cache_dir=home.caches)
        gates = judge(case).gates
        refusal = {"promoted": False, "release": live.release_id, "reason": str(refused)}
        return outcome | refusal | {"gates": [gate.to_dict() for gate in gates]}
    assert decision.release is not None  # promote makes one, or raises
    configured = {models.spec(one).version for one in SPACES}
    dropped = retire(lake, keep_retired=policy.keep_retired, configured=configured)
    made = {"promoted": True, "release": decision.release.release_id, "reason": decision.release.reason}
    gates = decision.gates
    return outcome | made | {"gates": [gate.to_dict() for gate in gates], "dropped": [asdict(one) for one in dropped]}


def _only_candidate(models: Models, live: Release) -> Space:
    from quality.promotion import NotPromoted

    candidates = [space for space in SPACES if live.spaces.get(space) != models.spec(space).version]
    if not candidates:
        raise NotPromoted(
            "the versions that the settings name are live already.",
            where=f"release {live.release_id}",
            remedy="Change a line of `[models]` in reelindex.toml first.",
        )
    if len(candidates) > 1:
        raise NotPromoted(
            f"more than one space has a candidate: {' and '.join(candidates)}.",
            where=f"release {live.release_id}",
            remedy=f"Name one: `reelindex promote {candidates[0]}`.",
        )
    return candidates[0]
