from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.buffer import WriteBuffer


@given(st.lists(st.integers(0, 5), max_size=40), st.integers(1, 12))
def test_every_item_is_written_once_and_in_order(items: list[int], max_weight: int) -> None:
    written: list[list[int]] = []
    with WriteBuffer(written.append, max_weight=max_weight, weigh=float, max_age_s=1000) as buffer:
        for item in items:
            buffer.add(item)
            assert all(sum(batch) >= max_weight for batch in written), "a write before there was enough"
    assert [item for batch in written for item in batch] == items
    assert all(written), "an empty write"
    assert all(sum(batch[:-1]) < max_weight for batch in written), "a write that came late"


def test_what_was_collected_is_written_when_an_error_passes_through() -> None:
    written: list[list[str]] = []

    def work() -> None:
        with WriteBuffer(written.append, max_weight=100) as buffer:
            buffer.add("finished")
            raise RuntimeError("the next one broke")

    with pytest.raises(RuntimeError, match="the next one broke"):
        work()
    assert written == [["finished"]]


def test_an_item_that_comes_long_after_the_last_write_does_not_wait_for_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter([0.0, 60.0, 60.0, 61.0, 64.9, 66.0, 66.0])
    monkeypatch.setattr("stages.buffer.time.monotonic", lambda: next(clock))
    written: list[list[int]] = []
    buffer = WriteBuffer(written.append, max_weight=100, max_age_s=5)
    buffer.add(1)
    assert written == [[1]]
    buffer.add(2)
    buffer.add(3)
    assert written == [[1]]
    buffer.add(4)
    assert written == [[1], [2, 3, 4]]


def test_an_error_of_the_write_is_not_swallowed() -> None:
    def full(items: list[int]) -> None:
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space left"), WriteBuffer(full, max_weight=1) as buffer:
        buffer.add(1)
