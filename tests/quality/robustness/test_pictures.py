"""Every disturbance does something, always the same, to every picture that there may be."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from quality.robustness.pictures import KEPT_BY_CROP, PICTURE_DISTURBANCES, disturb
from tests.quality.expectations.sound_lake import picture


def _png(values: np.ndarray) -> bytes:
    written = io.BytesIO()
    Image.fromarray(values).save(written, "PNG")
    return written.getvalue()


def _read(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)))


@pytest.mark.parametrize("name", PICTURE_DISTURBANCES)
def test_a_disturbed_picture_is_another_one_and_the_same_every_time(name: str) -> None:
    before = picture(7)
    after = disturb(_png(before), name)
    assert after == disturb(_png(before), name)
    width = round(64 * KEPT_BY_CROP) if name == "crop" else 64
    assert _read(after).shape[1:] == (width, 3)
    assert name == "crop" or np.abs(_read(after).astype(int) - before).mean() > 1


@pytest.mark.parametrize("name", PICTURE_DISTURBANCES)
@given(width=st.integers(1, 9), height=st.integers(1, 9), mode=st.sampled_from(["L", "RGB", "RGBA", "P", "CMYK"]))
def test_a_picture_of_any_size_and_kind_can_be_disturbed(name: str, width: int, height: int, mode: str) -> None:
    written = io.BytesIO()
    Image.new(mode, (width, height)).save(written, "TIFF")
    assert _read(disturb(written.getvalue(), name)).ndim == 3


def test_dark_is_half_as_bright_and_a_low_resolution_has_fewer_edges() -> None:
    before = picture(1)
    dark, coarse = (_read(disturb(_png(before), name)) for name in ("dark", "low resolution"))
    assert dark.mean() == pytest.approx(before.mean() / 2, rel=0.05)
    assert np.abs(np.diff(coarse.astype(int), axis=1)).mean() < np.abs(np.diff(before.astype(int), axis=1)).mean()
