"""How results are printed."""

from __future__ import annotations

import pytest

from orchestration.cli.search import show
from retrieval.results import LegHit, Result, SearchResults


@pytest.mark.parametrize(("uri", "named"), [("/videos/dog.mp4", "dog.mp4"), ("", "abc (no file holds it any more)")])
def test_a_result_is_named_by_its_file_or_by_its_content(
    uri: str, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    result = Result("abc", uri, "abc-0-1500", 0, 1500, 0.5, {"visual": LegHit(1, 0.3)}, "dog", "")
    show(SearchResults(1, "a dog", (result,)))
    printed = capsys.readouterr().out
    assert f"{named}  0:00.0-0:01.5" in printed
    assert "visual #1 (0.300)" in printed
