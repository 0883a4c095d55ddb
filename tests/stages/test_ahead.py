from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.ahead import read_ahead


@given(st.lists(st.integers(), max_size=20), st.integers(1, 4))
def test_the_same_items_come_in_the_same_order(items: list[int], ahead: int) -> None:
    with read_ahead(items, ahead=ahead) as read:
        assert list(read) == items


def test_an_error_comes_where_its_item_would_have() -> None:
    def items() -> Iterator[int]:
        yield from (1, 2)
        raise ValueError("the disk is gone")

    with read_ahead(items()) as read:
        assert [next(read), next(read)] == [1, 2]
        with pytest.raises(ValueError, match="the disk is gone"):
            next(read)


def test_no_more_is_drawn_than_was_asked_for_and_leaving_early_ends_the_thread() -> None:
    drawn: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            drawn.append(number)
            yield number

    with read_ahead(items(), ahead=2) as read:
        assert next(read) == 0
    assert len(drawn) <= 4
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read-ahead")]
