"""What a run may do, as tags on the run: whoever looks at it in the web UI sees them, and can start another like it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from stages.allowance import Allowance, Reach

REACH = "reelindex/reach"
"""`new` or `everything`, which is meant where there is no tag."""
MAX_SEGMENTS = "reelindex/max_segments"
DEADLINE = "reelindex/deadline"
"""Seconds since the epoch."""

DONE_TAG = "reelindex/done"
"""Subjects that the run has done, over all of its stages."""


def reach_of(tags: Mapping[str, str]) -> Reach:
    """Which part of what is missing the run takes on."""
    from stages.allowance import Reach

    return Reach(tags.get(REACH, Reach.EVERYTHING))


def allowance_of(tags: Mapping[str, str]) -> Allowance:
    """How much of it, and until when."""
    from stages.allowance import Allowance

    most, deadline = tags.get(MAX_SEGMENTS), tags.get(DEADLINE)
    return Allowance(int(most) if most else None, float(deadline) if deadline else None)


def tags_of(reach: Reach, allowance: Allowance) -> dict[str, str]:
    """The tags that say this."""
    tags = {REACH: reach.value}
    if allowance.max_segments is not None:
        tags[MAX_SEGMENTS] = str(allowance.max_segments)
    if allowance.deadline is not None:
        tags[DEADLINE] = f"{allowance.deadline:.0f}"
    return tags


def count_done(context: dg.AssetExecutionContext, done: int) -> None:
    """Adds to the number of subjects that the run has done: a night's budget is counted by it."""
    if not done:
        return
    before = context.instance.get_run_by_id(context.run.run_id)
    counted = int(before.tags.get(DONE_TAG, 0)) if before else 0
    context.instance.add_run_tags(context.run.run_id, {DONE_TAG: str(counted + done)})
