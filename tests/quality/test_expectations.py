from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lake.store import Lake
from quality import expectations
from quality.expectations import ExpectationOutcome, ExpectationsBroken, check_vectors, vector_facts
from tests.quality.spaces import add_vectors, segment_ids, spec, unit_vectors

DIM = 8


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return Lake(tmp_path_factory.mktemp("lake"))


@pytest.fixture(scope="module")
def good_facts(lake: Lake) -> pd.DataFrame:
    vectors = unit_vectors(20, DIM)
    return vector_facts(lake, add_vectors(lake, "visual", spec("good", DIM), vectors, segment_ids(20)))


def _broken(outcomes: list[ExpectationOutcome]) -> dict[str, ExpectationOutcome]:
    return {outcome.column: outcome for outcome in outcomes if not outcome.met}


def test_good_vectors_meet_every_expectation_of_great_expectations(good_facts: pd.DataFrame) -> None:
    outcomes = check_vectors(good_facts, DIM)
    assert _broken(outcomes) == {}
    assert {outcome.expectation for outcome in outcomes} == {
        "expect_column_values_to_not_be_null",
        "expect_column_values_to_be_unique",
        "expect_column_values_to_be_in_set",
        "expect_column_values_to_be_between",
    }
    assert {outcome.column for outcome in outcomes} == {"segment_id", "dim", "norm", "not_finite", "spread"}


@pytest.fixture(scope="module")
def bad_outcomes(lake: Lake) -> dict[str, ExpectationOutcome]:
    vectors = unit_vectors(20, DIM)
    vectors[3] *= 2
    vectors[5, 0] = np.nan
    vectors[7, :2] = (np.inf, -np.inf)
    vectors[9] = 1 / np.sqrt(DIM)
    table = add_vectors(lake, "visual", spec("bad", DIM), vectors, segment_ids(20))
    return _broken(check_vectors(vector_facts(lake, table), DIM))


@pytest.mark.parametrize(
    ("column", "rows"),
    [("norm", {3, 5, 7}), ("not_finite", {5, 7}), ("spread", {9})],
    ids=["not of unit length", "not finite", "all values the same"],
)
def test_a_bad_vector_is_named(bad_outcomes: dict[str, ExpectationOutcome], column: str, rows: set[int]) -> None:
    outcome = bad_outcomes[column]
    assert outcome.unexpected == len(rows)
    ids = segment_ids(20)
    assert {example.split()[0] for example in outcome.examples} == {ids[row] for row in rows}
    assert all(example.split()[1] == column for example in outcome.examples)


def test_nothing_else_is_held_against_them(bad_outcomes: dict[str, ExpectationOutcome]) -> None:
    assert set(bad_outcomes) == {"norm", "not_finite", "spread"}


def test_vectors_of_another_width_are_told(good_facts: pd.DataFrame) -> None:
    broken = _broken(check_vectors(good_facts, DIM + 1))
    assert set(broken) == {"dim"}
    assert broken["dim"].unexpected == 20
    assert broken["dim"].examples[0].endswith(f"dim {DIM}")
    assert len(broken["dim"].examples) == expectations.EXAMPLES


def test_a_segment_that_is_there_twice_is_named(good_facts: pd.DataFrame) -> None:
    broken = _broken(check_vectors(pd.concat([good_facts, good_facts.head(1)], ignore_index=True), DIM))
    assert set(broken) == {"segment_id"}
    assert set(broken["segment_id"].examples) == {segment_ids(1)[0]}


def test_no_vectors_are_no_bad_vectors(lake: Lake) -> None:
    table = add_vectors(lake, "text", spec("empty", DIM), unit_vectors(0, DIM), [])
    facts = vector_facts(lake, table)
    assert list(facts.columns) == ["segment_id", "dim", "norm", "not_finite", "spread"]
    assert _broken(check_vectors(facts, DIM)) == {}


def test_a_failure_of_great_expectations_itself_is_not_taken_for_bad_data(good_facts: pd.DataFrame) -> None:
    with pytest.raises(ExpectationsBroken, match="could not be computed"):
        check_vectors(good_facts.drop(columns="spread"), DIM)


def test_facts_are_the_same_whatever_the_batches(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = unit_vectors(53, DIM, seed=1)
    vectors[11] *= 3
    vectors[20, 2] = np.nan
    ids = segment_ids(53)
    table = add_vectors(lake, "visual", spec("batches", DIM), vectors[:30], ids[:30])
    add_vectors(lake, "visual", spec("batches", DIM), vectors[30:], ids[30:])
    whole = vector_facts(lake, table)
    monkeypatch.setattr(expectations, "ROWS_AT_ONCE", 7)
    pd.testing.assert_frame_equal(vector_facts(lake, table), whole)
    by_id = whole.set_index("segment_id").loc[ids]
    finite = np.nan_to_num(vectors)
    np.testing.assert_allclose(by_id["norm"], np.linalg.norm(finite, axis=1), rtol=1e-6)
    np.testing.assert_allclose(by_id["spread"], np.ptp(finite, axis=1), rtol=1e-6)
    assert by_id["not_finite"].tolist() == [int(row == 20) for row in range(53)]
    assert (whole["dim"] == DIM).all()
