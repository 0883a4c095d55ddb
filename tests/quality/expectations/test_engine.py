from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest

from quality.expectations.engine import EXAMPLES, Examination, ExpectationsBroken, demand_computed
from quality.expectations.facts import Facts
from quality.expectations.requirement import Outcome, Requirement

LIMIT = Requirement("limit", "It is small.", "size", 0, 10, "Make it smaller.")
EXACT = Requirement("exact", "It is none.", "count", 0, 0, "Remove them.")
SHARE = Requirement("share", "Few are.", "share", None, 0.5, "Look.", severity="warn", of="table")


def _facts(sizes: list[float], counts: list[float] | None = None, **table: float | None) -> Facts:
    rows = pd.DataFrame({"size": sizes, "count": counts or [0] * len(sizes)})
    return Facts("things", pa.chunked_array([[f"thing {row}" for row in range(len(sizes))]]), rows, table)


def _ask(facts: Facts, *requirements: Requirement) -> list[Outcome]:
    return Examination().ask(requirements, facts)


def test_what_holds_is_met_and_says_so() -> None:
    met = _ask(_facts([1, 10], share=0.5), SHARE, LIMIT, EXACT)
    assert [one.requirement.name for one in met] == ["share", "limit", "exact"]
    assert all(one.met for one in met)
    assert [one.finding for one in met] == [
        "`share` is 0.5; it must be 0.5 at most.",
        "all 2 rows meet it.",
        "all 2 rows meet it.",
    ]


def test_rows_that_break_it_are_counted_and_some_are_named() -> None:
    (found,) = _ask(_facts([11.5, *range(10), *range(20, 30)]), LIMIT)
    assert not found.met
    assert found.unexpected == 11
    assert found.measured == 11
    assert found.examples[0] == "thing 0 size 11.5"
    assert len(found.examples) == EXAMPLES
    assert found.finding.startswith("11 of 21 rows break this: `size` must be from 0 to 10. For instance thing 0 ")
    assert found.finding.endswith("Make it smaller.")


def test_a_fact_about_the_whole_is_held_against_its_bound() -> None:
    facts = _facts([1], share=0.75)
    (found,) = Examination().ask([SHARE], Facts("x", facts.ids, facts.rows, facts.table, {"share": ("look here",)}))
    assert not found.met
    assert found.measured == 0.75
    assert found.finding == "`share` is 0.75; it must be 0.5 at most. For instance look here. Look."


def test_too_few_rows_are_not_held_against_it() -> None:
    (found,) = _ask(_facts([1], share=None), SHARE)
    assert found.met
    assert found.finding == "too few rows to say."


def test_no_rows_meet_everything() -> None:
    assert all(one.met for one in _ask(_facts([]), LIMIT, EXACT))


@pytest.mark.parametrize(
    ("facts", "asked", "reason"),
    [
        (_facts([1, float("nan")]), LIMIT, "the fact `size` is missing in 1 rows"),
        (_facts([1]), Requirement("other", "It is.", "nothing", 0, 1, "Look."), "there is no fact `nothing`"),
        (_facts([1]), SHARE, "there is no fact `share`"),
    ],
    ids=["a null", "no column", "no number"],
)
def test_what_cannot_be_computed_is_not_met_and_takes_nothing_with_it(
    facts: Facts, asked: Requirement, reason: str
) -> None:
    broken, other = _ask(facts, asked, EXACT)
    assert not broken.met
    assert broken.measured is None
    assert broken.error == reason
    assert "says nothing about the data" in broken.finding
    assert other.met
    with pytest.raises(ExpectationsBroken, match=f"`{asked.name}` could not be computed"):
        demand_computed([other, broken])


def test_an_exception_inside_great_expectations_is_told_from_bad_data() -> None:
    words = Facts("things", pa.chunked_array([["a"]]), pd.DataFrame({"size": ["seven"], "count": [0]}))
    broken, other = _ask(words, LIMIT, EXACT)
    assert broken.error
    assert not broken.met
    assert other.met


def test_severity_reaches_great_expectations() -> None:
    examination = Examination()
    examination.ask([LIMIT, SHARE], _facts([1], share=0.1))
    severities = {suite.name: suite.expectations[0].severity for suite in examination.context.suites.all()}
    assert severities == {"things": "critical", "things-whole": "warning"}
