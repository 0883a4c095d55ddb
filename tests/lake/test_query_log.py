from __future__ import annotations

from lake.query_log import FILE_NAME, LoggedQuery, QueryLog
from lake.store import Lake


def test_what_was_asked_and_found_is_read_back_in_its_order(lake: Lake) -> None:
    log = QueryLog(lake)
    assert (log.recent(), log.times_found()) == ([], {})
    log.enter("café 北京", 1, ["a-0-1", "b-0-1"])
    log.enter("dog", 2, ["a-0-1"])
    assert log.recent() == [LoggedQuery("café 北京", 1, ("a-0-1", "b-0-1")), LoggedQuery("dog", 2, ("a-0-1",))]
    assert log.recent(1) == [LoggedQuery("dog", 2, ("a-0-1",))]
    assert log.times_found() == {"a-0-1": 2, "b-0-1": 1}


def test_a_line_that_was_cut_short_or_is_something_else_is_left_out(lake: Lake) -> None:
    log = QueryLog(lake)
    log.enter("dog", 1, ["a-0-1"])
    path = lake.folder / FILE_NAME
    path.write_bytes(b'[1]\n{"query": "cut' + b"\n" + path.read_bytes() + b'{"at": "2026')
    assert log.recent() == [LoggedQuery("dog", 1, ("a-0-1",))]
