"""Frames of any kind become small upright pictures."""

from __future__ import annotations

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.pictures import Orientation, Shrinker, fit_longer, fit_shorter, pixel_aspect

# `numbered[y, x]` tells where a pixel came from.
NUMBERED = np.arange(6, dtype=np.uint8).reshape(2, 3, 1).repeat(3, axis=2)


@pytest.mark.parametrize(
    ("orientation", "upright", "rotation"),
    [
        (Orientation(), [[0, 1, 2], [3, 4, 5]], 0),
        (Orientation(transpose=True, flip_x=True), [[3, 0], [4, 1], [5, 2]], 90),
        (Orientation(flip_x=True, flip_y=True), [[5, 4, 3], [2, 1, 0]], 180),
        (Orientation(transpose=True, flip_y=True), [[2, 5], [1, 4], [0, 3]], 270),
        (Orientation(flip_x=True), [[2, 1, 0], [5, 4, 3]], 0),
    ],
)
def test_pictures_are_turned_upright(orientation: Orientation, upright: list[list[int]], rotation: int) -> None:
    assert orientation.apply(NUMBERED)[..., 0].tolist() == upright
    assert orientation.rotation == rotation


@given(st.integers(1, 20_000), st.integers(1, 20_000), st.integers(16, 512))
def test_sizes_shrink_keep_at_least_one_pixel_and_never_grow(width: int, height: int, limit: int) -> None:
    for fitted in (fit_shorter(width, height, limit), fit_longer(width, height, limit)):
        assert 1 <= fitted[0] <= width
        assert 1 <= fitted[1] <= height
    assert min(fit_shorter(width, height, limit)) <= limit
    assert max(fit_shorter(width, height, limit)) <= 4 * limit
    assert max(fit_longer(width, height, limit)) <= limit


@pytest.mark.parametrize("nonsense", [None, 0.0, 1e-6, 1e6])
def test_pixels_are_square_where_the_file_talks_nonsense(nonsense: float | None) -> None:
    assert pixel_aspect(nonsense) == 1.0


def test_transparent_pixels_are_black_and_half_transparent_ones_half_as_bright() -> None:
    pixels = np.full((4, 4, 4), 200, dtype=np.uint8)
    pixels[0, :, 3], pixels[1, :, 3], pixels[2:, :, 3] = 0, 128, 255
    picture = Shrinker(smooth=True).shrink(av.VideoFrame.from_ndarray(pixels, format="rgba"), (4, 4))
    assert picture[0].max() == 0
    assert abs(int(picture[1, 0, 0]) - 100) <= 1
    assert picture[2:].min() == 200


@pytest.mark.parametrize(
    "pix_fmt",
    ["yuv420p", "yuvj420p", "yuv422p10le", "yuv444p12le", "gray", "gray10le", "rgb24", "gbrp", "pal8", "nv12"],
)
def test_a_mid_grey_stays_mid_grey_in_any_pixel_format(pix_fmt: str) -> None:
    grey = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 128, dtype=np.uint8), format="rgb24")
    frame = grey.reformat(format=pix_fmt) if pix_fmt != "pal8" else _palette_frame(128)
    picture = Shrinker(smooth=True).shrink(frame, (16, 16))
    assert picture.shape == (16, 16, 3)
    assert np.abs(picture.astype(int) - 128).max() <= 4


def _palette_frame(value: int) -> av.VideoFrame:
    palette = np.full((256, 4), value, dtype=np.uint8)
    palette[:, 0] = 255
    return av.VideoFrame.from_ndarray((np.zeros((32, 32), dtype=np.uint8), palette), format="pal8")  # type: ignore[arg-type]
