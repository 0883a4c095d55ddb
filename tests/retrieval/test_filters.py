"""Filters: what they mean, that they are applied before ranking, and what they refuse."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lake.store import Lake
from retrieval.errors import FilterError
from retrieval.filters import MATCHES_NOTHING, Filters, compile_prefilter
from retrieval.index import Index
from retrieval.indexes import ensure_indexes
from retrieval.legs import LEGS
from retrieval.warm_lake import WarmLake
from tests.retrieval.small_corpus import Scene, SmallCorpus, WordVectors, video


@pytest.fixture(scope="module")
def three_videos(empty_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """Three videos of ten seconds, one segment a second, all about a dog. Not to be written to."""
    small = SmallCorpus(shutil.copytree(empty_lake, tmp_path_factory.mktemp("three") / "lake"))
    seconds = [(number, t) for number in (1, 2, 3) for t in range(10)]
    small.write([Scene(n, t * 1000, caption="a dog", transcript="bark", screen="dog", shows="dog") for n, t in seconds])
    small.write_video(1, uris=["/talks/a.mp4", "/copies/it's a.mp4"], language="en", duration_ms=10_000)
    small.write_video(2, uris=["/talks/b.mp4"], language="de", duration_ms=20_000)
    small.write_video(3, uris=["/talks_old/c.mp4"], missing=["/talks/c.mp4"], language="en", duration_ms=30_000)
    small.release()
    with Index(WarmLake(small.folder), WordVectors()) as index:
        yield index


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        (Filters(), {1, 2, 3}),
        (Filters(video_ids=(video(2), video(3), video(9))), {2, 3}),
        (Filters(video_ids=()), set()),
        (Filters(uri_prefix="/talks/"), {1, 2, 3}),
        (Filters(uri_prefix="/talks_"), {3}),
        (Filters(uri_prefix="/copies/it's"), {1}),
        (Filters(uri_prefix="/%"), set()),
        (Filters(language="de"), {2}),
        (Filters(language="fr"), set()),
        (Filters(min_duration_ms=20_000), {2, 3}),
        (Filters(max_duration_ms=20_000), {1, 2}),
        (Filters(min_duration_ms=15_000, max_duration_ms=25_000), {2}),
        (Filters(language="en", min_duration_ms=20_000), {3}),
        (Filters(language="de", uri_prefix="/copies/"), set()),
    ],
)
@pytest.mark.parametrize("leg", LEGS)
def test_filters_of_videos(three_videos: Index, filters: Filters, wanted: set[int], leg: str) -> None:
    query = "bark" if leg == "transcript" else "dog"
    results = three_videos.search(query, filters=filters, legs=[leg]).results
    assert {int(result.video_id, 16) for result in results} == wanted


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize(
    ("filters", "starts_s"),
    [
        (Filters(start_ms=8000), {8, 9}),
        (Filters(start_ms=7999), {7, 8, 9}),
        (Filters(end_ms=1000), {0}),
        (Filters(end_ms=1001), {0, 1}),
        (Filters(start_ms=2500, end_ms=2600), {2}),
        (Filters(start_ms=10_000), set()),
    ],
)
def test_times_keep_the_segments_that_overlap(
    three_videos: Index, filters: Filters, starts_s: set[int], leg: str
) -> None:
    query = "bark" if leg == "transcript" else "dog"
    results = three_videos.search(query, filters=filters, legs=[leg], group_by_video=False, limit=50).results
    assert {result.start_ms // 1000 for result in results} == starts_s
    assert len(results) == 3 * len(starts_s)


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize("leg", LEGS)
def test_better_matches_outside_the_filter_take_no_place(
    small: SmallCorpus, index: Index, leg: str, indexed: bool
) -> None:
    better = [Scene(1, t * 1000, caption="dog", transcript="dog", screen="dog", shows="dog") for t in range(400)]
    worse = [
        Scene(2, t * 1000, caption=f"dog {t} b c", transcript="dog b c", screen=f"dog {t} b c", shows=f"dog b {t}")
        for t in range(5)
    ]
    small.write([*better, *worse])
    small.release()
    if indexed:
        ensure_indexes(small.lake, ann_from_rows=400)
    search: dict[str, Any] = {"legs": [leg], "limit": 5, "depth": 5, "group_by_video": False}
    assert {int(result.video_id, 16) for result in index.search("dog", **search).results} == {1}
    inside = index.search("dog", filters=Filters(video_ids=(video(2),)), **search).results
    assert [int(result.video_id, 16) for result in inside] == [2] * 5


def test_the_place_that_was_asked_for_is_shown(three_videos: Index) -> None:
    (result,) = three_videos.search("dog", filters=Filters(uri_prefix="/talks/", video_ids=(video(1),))).results
    assert result.uri == "/talks/a.mp4"
    (result,) = three_videos.search("dog", filters=Filters(uri_prefix="/talks/", video_ids=(video(3),))).results
    assert result.uri == "/talks_old/c.mp4"


@pytest.mark.parametrize(
    "bad",
    [
        {"video_ids": ("' OR 1=1 --",)},
        {"video_ids": (video(1).replace("0", "A"),)},
        {"video_ids": video(1)},
        {"video_ids": (7,)},
        {"uri_prefix": ""},
        {"uri_prefix": "/a\x00"},
        {"uri_prefix": 3},
        {"language": "English"},
        {"language": "e'"},
        {"language": "EN"},
        {"min_duration_ms": -1},
        {"max_duration_ms": 1.5},
        {"start_ms": True},
        {"start_ms": "0 OR 1=1"},
        {"end_ms": 2**63},
        {"end_ms": 0},
        {"min_duration_ms": 2, "max_duration_ms": 1},
        {"start_ms": 5, "end_ms": 5},
    ],
)
def test_a_wrong_value_is_named(bad: dict[str, Any]) -> None:
    with pytest.raises(FilterError, match=f"filter ({'|'.join(bad)})"):
        Filters(**bad)


def test_no_filter_reads_nothing() -> None:
    class Unread(Lake):
        def __init__(self) -> None:
            pass

    assert compile_prefilter(Filters(), Unread()) is None
    assert compile_prefilter(Filters(video_ids=()), Unread()) == MATCHES_NOTHING


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(prefix=st.text(st.sampled_from("/talks'\"%_\\ -();é犬"), min_size=1, max_size=12))
def test_a_prefix_is_text_and_never_sql(small: SmallCorpus, prefix: str) -> None:
    if small.lake.count("files") == 0:
        small.write_video(1, uris=["/talks/a'b%_\\.mp4"])
    condition = compile_prefilter(Filters(uri_prefix=prefix), small.lake)
    assert (condition == MATCHES_NOTHING) == (not "/talks/a'b%_\\.mp4".startswith(prefix))
