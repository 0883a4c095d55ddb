"""The next item is prepared while the present one is in use, and no more than that."""

from __future__ import annotations

import threading

import pytest

from encoders.prefetch import prepared_ahead


def test_order_is_kept_and_nothing_is_prepared_for_nothing() -> None:
    assert list(prepared_ahead(range(7), lambda item: item * item)) == [n * n for n in range(7)]
    assert list(prepared_ahead([], lambda item: item)) == []


def test_the_next_item_is_prepared_while_the_present_one_is_used() -> None:
    begun = [threading.Event() for _ in range(4)]

    def prepare(item: int) -> int:
        begun[item].set()
        return item

    results = prepared_ahead(range(4), prepare)
    for expected in range(4):
        assert next(results) == expected
        if expected < 3:
            assert begun[expected + 1].wait(timeout=10)  # before it was asked for
        assert not any(event.is_set() for event in begun[expected + 2 :])


def test_an_error_comes_where_its_result_would_have() -> None:
    results = prepared_ahead([4, 2, 0, 1], lambda item: 8 // item)
    assert [next(results), next(results)] == [2, 4]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_who_stops_early_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    results = prepared_ahead(range(100), lambda item: item)
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
