"""Truncation and loss, judged from numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.completeness import DecodeTally, demand_decodable, demand_whole, tolerance_us
from media.errors import TruncatedVideo, UnreadableVideo

FILM = Path("folder/film.mp4")


@given(st.integers(1, 10**11))
def test_the_tolerance_never_hides_more_than_five_seconds_or_half_a_second_of_a_short_film(promised_us: int) -> None:
    assert tolerance_us(promised_us) <= min(5_000_000, 250_000 + promised_us // 50)
    demand_whole(FILM, promised_us=promised_us, read_us=promised_us - tolerance_us(promised_us))


def test_both_numbers_and_the_remedy_are_in_the_message() -> None:
    with pytest.raises(TruncatedVideo) as caught:
        demand_whole(FILM, promised_us=30_000_000, read_us=12_300_000)
    assert str(caught.value) == (
        "film.mp4: truncated: the container promises 30.0 s, only 12.3 s can be read."
        " Copy the file again from its source."
    )


def test_without_a_promise_nothing_can_be_missed() -> None:
    demand_whole(FILM, promised_us=None, read_us=1)


@pytest.mark.parametrize(
    ("tally", "message"),
    [
        (DecodeTally(frames=0, errors=3), r"no frame can be decoded \(3 failed\)"),
        (DecodeTally(frames=100, errors=50), "50 of 150 frames cannot be decoded"),
    ],
)
def test_too_many_lost_frames_are_an_error_with_the_count(tally: DecodeTally, message: str) -> None:
    with pytest.raises(UnreadableVideo, match=message):
        demand_decodable(FILM, tally, "frame")


def test_a_few_lost_frames_are_borne() -> None:
    demand_decodable(FILM, DecodeTally(frames=100, errors=5), "frame")
