from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.embedding import each_value


@given(st.lists(st.booleans(), max_size=60))
def test_every_subject_comes_back_once_and_only_those_that_raise_as_errors(is_bad: list[bool]) -> None:
    subjects = list(enumerate(is_bad))

    def compute(batch: Sequence[tuple[int, bool]]) -> list[int]:
        for number, bad in batch:
            if bad:
                raise ValueError(f"cannot see {number}")
        return [10 * number for number, _ in batch]

    results = list(each_value(subjects, compute)) if subjects else []
    assert [subject for subject, _ in results] == subjects
    for (number, bad), value in results:
        if bad:
            assert isinstance(value, ValueError)
            assert str(value) == f"cannot see {number}"
        else:
            assert value == 10 * number


@given(st.integers(1, 200))
def test_a_good_batch_is_computed_whole(size: int) -> None:
    calls: list[int] = []

    def compute(batch: Sequence[int]) -> list[int]:
        calls.append(len(batch))
        return list(batch)

    assert len(list(each_value(range(size), compute))) == size
    assert calls == [size]


@given(st.integers(2, 300), st.data())
def test_one_bad_subject_costs_few_calls(size: int, data: st.DataObject) -> None:
    bad = data.draw(st.integers(0, size - 1))
    calls = 0

    def compute(batch: Sequence[int]) -> list[int]:
        nonlocal calls
        calls += 1
        if bad in batch:
            raise RuntimeError
        return list(batch)

    errors = [subject for subject, value in each_value(range(size), compute) if isinstance(value, Exception)]
    assert errors == [bad]
    assert calls <= 2 * (size - 1).bit_length() + 1


def test_a_model_that_returns_too_few_values_is_an_error_and_not_a_shift() -> None:
    with pytest.raises(ValueError, match="shorter"):
        list(each_value([1, 2, 3], lambda batch: [0]))


def test_an_interrupt_is_not_taken_for_a_bad_subject() -> None:
    def compute(batch: Sequence[int]) -> list[int]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(each_value([1, 2], compute))
