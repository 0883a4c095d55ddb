"""Pictures as they come from real cameras and real platforms: blurred, noisy, compressed, cropped, dark, small.

Kinds of ImageNet-C (Hendrycks and Dietterich, 2019) that happen to videos, each at one middling strength.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

BLUR_SHARE = 0.01
"""The radius of the Gaussian, of the shorter side."""
NOISE = 0.08
"""The standard deviation, of the range from black to white."""
JPEG_QUALITY = 15
KEPT_BY_CROP = 0.8
"""Of each side, around the middle."""
BRIGHTNESS = 0.5
SMALLER_BY = 4
"""As if the video had been uploaded with a quarter of its lines."""


def disturb(picture: bytes, disturbance: str) -> bytes:
    """A picture after one of `PICTURE_DISTURBANCES`; the same bytes for the same picture.

    Args:
        picture: A JPEG or PNG.
        disturbance: A key of `PICTURE_DISTURBANCES`.

    Returns:
        A PNG: written without loss, so that nothing but the disturbance is measured.
    """
    with Image.open(io.BytesIO(picture)) as opened:
        disturbed = PICTURE_DISTURBANCES[disturbance](opened.convert("RGB"))
    written = io.BytesIO()
    disturbed.save(written, "PNG", compress_level=1)
    return written.getvalue()


def _blurred(picture: Image.Image) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(max(1.0, BLUR_SHARE * min(picture.size))))


def _noisy(picture: Image.Image) -> Image.Image:
    values = np.asarray(picture, np.float32)
    noise = np.random.default_rng(0).normal(0, 255 * NOISE, values.shape)
    return Image.fromarray(np.clip(values + noise, 0, 255).astype(np.uint8))


def _compressed(picture: Image.Image) -> Image.Image:
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=JPEG_QUALITY)
    with Image.open(written) as opened:
        return opened.convert("RGB")


def _cropped(picture: Image.Image) -> Image.Image:
    width, height = (max(1, round(KEPT_BY_CROP * side)) for side in picture.size)
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))


def _darkened(picture: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(picture).enhance(BRIGHTNESS)


def _coarsened(picture: Image.Image) -> Image.Image:
    small = picture.resize((max(1, picture.width // SMALLER_BY), max(1, picture.height // SMALLER_BY)))
    return small.resize(picture.size)


PICTURE_DISTURBANCES: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    "blur": _blurred,
    "noise": _noisy,
    "JPEG": _compressed,
    "crop": _cropped,
    "dark": _darkened,
    "low resolution": _coarsened,
}
"""What happens to pictures, by name."""
