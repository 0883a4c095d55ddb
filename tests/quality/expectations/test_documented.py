"""The page about quality lists the requirements that there are."""

from __future__ import annotations

from docs.make_requirements import table, written


def test_the_page_lists_every_requirement_as_it_is() -> None:
    assert written() == table(), "run `python -m docs.make_requirements`"
