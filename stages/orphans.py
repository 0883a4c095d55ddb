"""Values whose input is gone: removed when what came in its place is there."""

from __future__ import annotations

from lake.planning import Plan
from stages.report import Tally
from stages.scope import Scope


def remove_orphans(scope: Scope, table: str, plan: Plan, tally: Tally) -> int:
    """Removes the orphaned segments of every video that this stage has left nothing to do for.

    A video that was cut again keeps the values of its former segments until those of the new ones are there: search
    always finds one or the other.

    Returns:
        How many were removed.
    """
    if not plan.orphaned:
        return 0
    unfinished = {subject.partition("-")[0] for subject in plan.todo if not tally.is_settled(subject)}
    gone = [subject for subject in plan.orphaned if subject.partition("-")[0] not in unfinished]
    scope.lake.delete(table, "segment_id", gone)
    return len(gone)
