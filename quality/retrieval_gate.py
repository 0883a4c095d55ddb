"""The gate that asks whether people would still find what they look for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kernel.errors import ReelindexError
from quality.comparison import Comparison, compare
from quality.evaluation_set import COLUMNS, BadEvaluationSet, EvaluationSet, read_evaluation_set
from quality.gates import Case, GateResult

MIN_QUERIES = 20
"""Fewer known answers cannot tell one version from another."""

COMPARISON = "comparison"
"""Where a verdict of `retrieval` keeps what it rests on."""


class CannotBeCompared(ReelindexError):
    """There is nothing to measure a candidate's answers by."""


def retrieval(case: Case) -> GateResult:
    """People find what they look for as well as before: the mean reciprocal rank of known answers has not fallen."""
    allowed = -case.policy.max_quality_loss
    comparison: Comparison | None = None
    try:
        comparison = compare_with_live(case)
        low, message = _compared(case, comparison)
    except (CannotBeCompared, BadEvaluationSet) as reason:
        return case.verdict("retrieval", False, None, allowed, str(reason), **_evidence(comparison))
    message += f", and must be above {allowed:+.3f}."
    return case.verdict("retrieval", low >= allowed, low, allowed, message, **_evidence(comparison))


def _compared(case: Case, comparison: Comparison | None) -> tuple[float, str]:
    """The bound that the difference exceeds with 95 % confidence, and what was measured in words."""
    remedy = "`reelindex promote --waive retrieval` does without."
    if case.policy.evaluation is None:
        raise CannotBeCompared(
            "there are no queries with known answers.",
            where="promotion.evaluation in reelindex.toml",
            remedy=f"Name a CSV file with the columns {','.join(COLUMNS)} there; {remedy}",
        )
    queries = comparison.known_queries if comparison else 0
    if comparison is None or comparison.difference is None or queries < MIN_QUERIES:
        raise CannotBeCompared(
            f"{queries} of its queries name a video of this lake; {MIN_QUERIES} are needed.",
            where=str(case.policy.evaluation),
            remedy=f"Add queries, or correct the paths; {remedy}",
        )
    before, after, difference = comparison.quality_live, comparison.quality_candidate, comparison.difference
    assert before is not None
    assert after is not None
    return difference.low, (
        f"mean reciprocal rank {after.mean_reciprocal_rank:.3f}, live {before.mean_reciprocal_rank:.3f}, over "
        f"{queries} queries; the difference is above {difference.low:+.3f} with 95 % confidence"
    )


def _evidence(comparison: Comparison | None) -> dict[str, Any]:
    return {} if comparison is None else {COMPARISON: comparison.to_dict()}


def comparison_of(verdict: GateResult) -> Comparison | None:
    """The comparison that a verdict of `retrieval` rests on; None where there was nothing to ask."""
    kept = verdict.evidence.get(COMPARISON)
    return None if kept is None else Comparison.from_dict(kept)


def compare_with_live(case: Case) -> Comparison | None:
    """The candidate beside the live release, on the known queries and on those of the log; None without either.

    Raises:
        BadEvaluationSet: The file of known queries cannot be used.
    """
    assert case.live is not None
    lake = case.scope.lake
    known = EvaluationSet((), ())
    if case.policy.evaluation is not None:
        known = read_evaluation_set(case.policy.evaluation, lake)
    proposed = replace(
        case.live, spaces={**case.live.spaces, case.space: case.spec.version}, fusion=case.fusion or case.live.fusion
    )
    return compare(lake, case.live, proposed, case.space, known, case.cache_dir, case.scope.progress)
