"""Which of the places of a video is named."""

from __future__ import annotations

from lake.files import first_uris
from lake.schema import FILES
from lake.store import Lake
from tests.lake.samples import file_row


def test_a_place_that_is_there_comes_before_one_that_is_not_and_then_the_alphabet_decides(lake: Lake) -> None:
    rows = [
        file_row("/a/1.mp4", "aa", missing=True),
        file_row("/c/1.mp4", "aa"),
        file_row("/b/1.mp4", "aa"),
        file_row("/b/2.mp4", "bb", missing=True),
        file_row("/a/2.mp4", "bb", missing=True),
        file_row("/a/3.mp4", "cc"),
    ]
    lake.upsert(FILES, rows)
    assert first_uris(lake, ["aa", "bb", "bb", "dd"]) == {"aa": "/b/1.mp4", "bb": "/a/2.mp4"}
    assert first_uris(lake, ["aa", "bb"], preferred_prefix="/c/") == {"aa": "/c/1.mp4", "bb": "/a/2.mp4"}
    assert first_uris(lake, ["aa"], preferred_prefix="/a/") == {"aa": "/b/1.mp4"}
    assert first_uris(lake, []) == {}
