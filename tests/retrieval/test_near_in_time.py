"""What is near in time is read whole, however long the videos are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.identity import segment_id_of, times_of_segment, video_id_of_segment
from lake.schema import vectors_table_name
from retrieval import near_in_time
from retrieval.near_in_time import WITHIN_MS, Neighbourhood, cosines_in_context, near, read_near
from retrieval.warm_lake import WarmLake
from tests.retrieval.small_corpus import Scene, SmallCorpus, video

TABLE = vectors_table_name("visual", "words-1")

segments = st.builds(
    lambda number, start, length: segment_id_of(video(number), start, start + length),
    st.integers(1, 3),
    st.integers(0, 200_000),
    st.integers(1, 20_000),
)


@given(names=st.lists(segments, unique=True, max_size=30), asked=st.lists(segments, unique=True, max_size=5))
def test_near_is_the_same_video_within_half_a_minute(names: list[str], asked: list[str]) -> None:
    found = near(names, asked)
    assert set(found) == set(asked)
    for one, others in found.items():
        middle = sum(times_of_segment(one)) / 2
        expected = {
            name
            for name in names
            if video_id_of_segment(name) == video_id_of_segment(one)
            and abs(sum(times_of_segment(name)) / 2 - middle) <= WITHIN_MS
        }
        assert set(others) == expected


def test_a_long_video_gives_the_same_as_reading_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = SmallCorpus(tmp_path)
    small.write([Scene(1, 4000 * at, shows=f"view{at}") for at in range(120)] + [Scene(2, shows="other")])
    lake = WarmLake(small.folder)
    asked = [segment_id_of(video(1), 240_000, 241_000), segment_id_of(video(2), 0, 1000)]
    whole = read_near(lake, TABLE, asked)
    assert len(whole.names) == 121
    monkeypatch.setattr(near_in_time, "READ_AT_ONCE", 50)
    close = read_near(lake, TABLE, asked)
    assert len(close.names) == 16, "15 within half a minute either way, and the other video"
    query = whole.vectors[7]
    assert cosines_in_context(query, asked, close, 0.3) == pytest.approx(cosines_in_context(query, asked, whole, 0.3))


def test_a_segment_without_a_vector_has_no_cosine() -> None:
    there = Neighbourhood([segment_id_of(video(1), 0, 1000)], np.eye(1, 4, dtype=np.float32))
    missing = segment_id_of(video(2), 0, 1000)
    found = cosines_in_context(np.eye(1, 4, dtype=np.float32)[0], [*there.names, missing], there, 0.3)
    assert found == {there.names[0]: pytest.approx(1.0)}
