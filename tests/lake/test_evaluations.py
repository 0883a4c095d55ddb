from __future__ import annotations

from typing import Any

from lake.evaluations import Evaluations
from lake.schema import EVALUATIONS
from lake.store import Lake


def _verdict(gate: str, **changes: Any) -> dict[str, Any]:
    verdict = {
        "gate": gate,
        "space": "visual",
        "version": "it's-1",
        "passed": True,
        "measured": 0.5,
        "threshold": 1,
        "message": "half",
        "evidence": {"missing": 1},
    }
    return verdict | changes


def test_verdicts_come_back_by_the_state_they_were_given_in(lake: Lake) -> None:
    evaluations = Evaluations(lake)
    evaluations.enter([_verdict("coverage"), _verdict("canary", measured=None, passed=False)], "before")
    evaluations.enter([_verdict("coverage", measured=1.0)], "after")
    before = {one.gate: one for one in evaluations.of_state("it's-1", "before")}
    assert set(before) == {"coverage", "canary"}
    assert (before["canary"].passed, before["canary"].measured) == (False, None)
    assert dict(before["coverage"].evidence) == {"missing": 1}
    assert [one.measured for one in evaluations.newest("it's-1")] == [1.0]
    assert evaluations.of_state("another", "before") == evaluations.newest("another") == []


def test_the_same_verdict_twice_is_one_row_with_the_last_answer(lake: Lake) -> None:
    evaluations = Evaluations(lake)
    evaluations.enter([_verdict("coverage")], "state")
    evaluations.enter([_verdict("coverage", passed=False)], "state")
    assert lake.count(EVALUATIONS.name) == 1
    assert [one.passed for one in evaluations.newest("it's-1")] == [False]
