"""What the other processes do to a candidate in tests."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NoReturn

from lake.releases import Release, Releases
from quality.policy import PromotionPolicy
from settings import Home
from tests.lake.processes import meet
from tests.quality.candidates import Candidacy

DIED = 9


def decide_at_once(home: Path, policy: PromotionPolicy) -> tuple[bool, int]:
    """Judges the candidate and promotes it in the same moment as the other process; says who made which release."""
    append = Releases.append
    has_met: list[bool] = []

    def append_together(releases: Releases, **row: Any) -> Release:
        if not has_met:
            has_met.append(True)
            meet()
        return append(releases, **row)

    Releases.append = append_together  # type: ignore[method-assign, assignment]
    try:
        decision = Candidacy(Home(home), policy).decide()
    finally:
        Releases.append = append  # type: ignore[method-assign]
    assert decision.release
    return decision.made, decision.release.release_id


def die_before_the_switch(home: Path, policy: PromotionPolicy) -> NoReturn:
    """Judges the candidate, and dies when it would go live."""

    def die(releases: Releases, **row: Any) -> NoReturn:
        os._exit(DIED)

    Releases.append = die  # type: ignore[method-assign, assignment]
    Candidacy(Home(home), policy).decide()
    os._exit(0)
