from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.store import Lake
from quality.expectations.engine import Examination
from quality.expectations.facts import Facts
from quality.expectations.requirement import Outcome
from quality.expectations.suites import vectors
from quality.expectations.suites.vectors import _Sums
from tests.quality.spaces import add_vectors, segment_ids, spec, unit_vectors

DIM = 8


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return Lake(tmp_path_factory.mktemp("lake"))


def _broken(facts: Facts, dim: int = DIM) -> dict[str, Outcome]:
    outcomes = Examination().ask(vectors.alone(dim), facts)
    assert not any(one.error for one in outcomes)
    return {one.requirement.name: one for one in outcomes if not one.met}


@pytest.fixture(scope="module")
def bad(lake: Lake) -> dict[str, Outcome]:
    rows = unit_vectors(20, DIM)
    rows[3] *= 2
    rows[5, 0] = np.nan
    rows[7, :2] = (np.inf, -np.inf)
    rows[9] = 1 / np.sqrt(DIM)
    rows[11] = 0
    table = add_vectors(lake, "visual", spec("bad", DIM), rows, segment_ids(20))
    return _broken(vectors.facts(lake, table))


@pytest.mark.parametrize(
    ("name", "fact", "rows"),
    [("unit_length", "norm", {3, 11}), ("finite", "not_finite", {5, 7}), ("constant", "spread", {9})],
)
def test_a_bad_vector_is_named_once(bad: dict[str, Outcome], name: str, fact: str, rows: set[int]) -> None:
    ids = segment_ids(20)
    assert bad[name].unexpected == len(rows)
    assert {example.split()[0] for example in bad[name].examples} == {ids[row] for row in rows}
    assert all(example.split()[1] == fact for example in bad[name].examples)


def test_nothing_else_that_blocks_is_held_against_them(bad: dict[str, Outcome]) -> None:
    assert {name for name, one in bad.items() if one.requirement.severity == "block"} == {
        "unit_length",
        "finite",
        "constant",
    }


def test_vectors_of_another_width_are_told(lake: Lake) -> None:
    table = add_vectors(lake, "visual", spec("width", DIM), unit_vectors(20, DIM), segment_ids(20))
    broken = _broken(vectors.facts(lake, table), DIM + 1)
    assert set(broken) >= {"width"}
    assert broken["width"].unexpected == 20
    assert broken["width"].examples[0].endswith(f"dim {DIM}")


def test_no_vectors_are_no_bad_vectors(lake: Lake) -> None:
    facts = vectors.facts(lake, add_vectors(lake, "text", spec("empty", DIM), unit_vectors(0, DIM), []))
    assert set(facts.table.values()) == {None}
    assert _broken(facts) == {}


def test_facts_are_the_same_whatever_the_batches(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = unit_vectors(53, DIM, seed=1)
    rows[11] *= 3
    rows[20, 2] = np.nan
    ids = segment_ids(53)
    table = add_vectors(lake, "visual", spec("batches", DIM), rows[:30], ids[:30])
    add_vectors(lake, "visual", spec("batches", DIM), rows[30:], ids[30:])
    whole = vectors.facts(lake, table)
    monkeypatch.setattr(vectors, "ROWS_AT_ONCE", 7)
    again = vectors.facts(lake, table)
    pd.testing.assert_frame_equal(again.rows, whole.rows)
    assert again.table == pytest.approx(whole.table)
    by_id = whole.rows.assign(id=whole.ids.to_pylist()).set_index("id").loc[ids]
    np.testing.assert_allclose(np.delete(by_id["norm"], 20), np.delete(np.linalg.norm(rows, axis=1), 20), rtol=1e-6)
    assert by_id["not_finite"].tolist() == [int(row == 20) for row in range(53)]


@given(st.integers(2, 30), st.integers(2, 20), st.integers(0, 99))
def test_the_mean_cosine_of_all_pairs_comes_from_one_sum(count: int, dim: int, seed: int) -> None:
    rows = unit_vectors(count, dim, seed)
    sums = _Sums(dim)
    sums.add(rows[: count // 2])
    sums.add(rows[count // 2 :])
    cosines = rows.astype(np.float64) @ rows.T
    pairs = cosines[~np.eye(count, dtype=bool)]
    assert sums.mean_pairwise_cosine() == pytest.approx(pairs.mean(), abs=1e-5)


def test_vectors_of_different_inputs_that_are_the_same_are_counted(lake: Lake) -> None:
    rows = unit_vectors(25, DIM)
    rows[1] = rows[0]
    rows[3] = rows[2]
    ids = segment_ids(25)
    name = add_vectors(lake, "visual", spec("twins", DIM), rows, ids)
    assert vectors.facts(lake, name).table["twin_share"] == 0  # all of one input: the same vector is right
    lake.table(name).update(where=f"segment_id = '{ids[1]}'", values={"input_fp": "another"})
    assert vectors.facts(lake, name).table["twin_share"] == pytest.approx(2 / 25)
