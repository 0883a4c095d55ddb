"""Running a model over batches of subjects so that one bad subject costs only itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Subject = TypeVar("Subject")
Value = TypeVar("Value")


def each_value(
    batch: Sequence[Subject], compute: Callable[[Sequence[Subject]], Sequence[Value]]
) -> Iterator[tuple[Subject, Value | Exception]]:
    """Yields every subject of a batch with its value, or with the error that it alone raises.

    A batch that raises is halved until the subjects that raise are by themselves, so that a model sees whole batches
    where nothing is wrong.
    """
    try:
        values = compute(batch)
    except Exception as error:
        # Whatever a model raises is a fact about its input here; the caller enters it in the book of failures.
        if len(batch) == 1:
            yield batch[0], error
            return
        half = len(batch) // 2
        yield from each_value(batch[:half], compute)
        yield from each_value(batch[half:], compute)
        return
    yield from zip(batch, values, strict=True)
