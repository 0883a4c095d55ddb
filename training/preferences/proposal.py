"""What a tuning proposes: other weights, the verdicts about them, and the release that they make if all are good."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from lake.releases import Release, Releases
from lake.store import Lake
from quality.context import context_of
from quality.policy import PromotionPolicy
from quality.promotion import TUNED
from training.preferences.errors import NotTuned
from training.preferences.guard import Guard


class Proposal(Protocol):
    """A fusion that something speaks for, and whether it may go live."""

    @property
    def live(self) -> Release:
        """The release that it was tuned from, and would follow."""
        ...

    @property
    def fusion(self) -> Mapping[str, float]:
        """Of a release with it; the released one where nothing moved."""
        ...

    @property
    def guards(self) -> tuple[Guard, ...]:
        """The verdicts."""
        ...

    @property
    def reason(self) -> str:
        """Why its release would be made, for people."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Plain values: the evidence of a release."""
        ...


def failed_guards(tuning: Proposal) -> tuple[Guard, ...]:
    """The guards that were not passed."""
    return tuple(guard for guard in tuning.guards if not guard.passed)


def is_moved(tuning: Proposal) -> bool:
    """Whether any weight is another."""
    return dict(tuning.fusion) != dict(tuning.live.fusion)


def release_tuned(lake: Lake, tuning: Proposal, policy: PromotionPolicy, settled: Mapping[str, float]) -> Release:
    """Makes a release of the same versions with the tuned fusion. `reelindex rollback` brings the old one back.

    Args:
        lake: Where.
        tuning: What every guard let pass.
        policy: Kept in the evidence.
        settled: The weights of the settings now: as long as they stay the same, later promotions keep the tuned ones.

    Raises:
        NotTuned: A guard failed, or no weight is another.
        ReleaseRaced: Another release was made in the meantime.
    """
    failed = failed_guards(tuning)
    if failed:
        raise NotTuned(
            "; ".join(f"{guard.name}: {guard.message}" for guard in failed),
            where=f"release {tuning.live.release_id}",
        )
    if not is_moved(tuning):
        raise NotTuned("nothing moves a weight.", where=f"release {tuning.live.release_id}")
    live = tuning.live
    return Releases(lake).append(
        kind="promotion",
        spaces=live.spaces,
        fusion=tuning.fusion,
        evidence={
            # The versions are the same: what was measured of them still holds.
            **{name: live.evidence[name] for name in ("gates", "waived") if name in live.evidence},
            "context": context_of(lake, live.spaces, policy),
            TUNED: tuning.to_dict() | {"settings": dict(settled)},
        },
        reason=tuning.reason,
        after=live,
    )
