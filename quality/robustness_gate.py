"""The gate that asks whether a model bears what happens to pictures and queries, where the settings ask for it."""

from __future__ import annotations

from quality.gates import Case, GateResult


def robustness(case: Case) -> GateResult:
    """Enough of what is found stays when pictures and queries are disturbed; asked only where a minimum is set."""
    from quality.robustness.measure import STORED_LEAST, measure_robustness

    least = case.policy.min_robustness
    if not least:
        return case.verdict("robustness", True, None, least, "not asked: `promotion.min_robustness` is 0.")
    found = measure_robustness(case.scope, case.models, case.space, case.spec)
    if found is None:
        message = f"it cannot be told: fewer than {STORED_LEAST} vectors, or nothing to disturb."
        return case.verdict("robustness", False, None, least, message)
    worst = min(found.shifts, key=lambda one: one.overlap)
    message = (
        f"under {len(found.shifts)} disturbances {found.overlap:.3f} of the ten nearest stay; fewest under "
        f"`{worst.disturbance}` of {worst.side}: {worst.overlap:.3f}."
    )
    shifts = {f"{one.side}: {one.disturbance}": round(one.overlap, 4) for one in found.shifts}
    return case.verdict("robustness", found.overlap >= least, found.overlap, least, message, overlap=shifts)
