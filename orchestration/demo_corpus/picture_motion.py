"""A camera that pans and zooms over a still picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orchestration.demo_corpus.screenplay import View

WIDTH, HEIGHT = 640, 360
_CANVAS = (800, 450)
"""The picture is held somewhat larger than the frame, so that zooming in finds detail."""


def letterboxed(path: Path) -> NDArray[np.uint8]:
    """A picture file as RGB `(450, 800, 3)`: its proportions kept, black bars beside it, transparency on white."""
    from PIL import Image, ImageOps

    with Image.open(path) as opened:
        picture = opened.convert("RGBA")
    backed = Image.new("RGBA", picture.size, "white")
    backed.alpha_composite(picture)
    return np.asarray(ImageOps.pad(backed.convert("RGB"), _CANVAS, Image.Resampling.LANCZOS, color="black"))


def window(view: View, width: int, height: int) -> tuple[float, float, float]:
    """The window `(left, top, width)` in pixels that a view shows, moved so that it lies inside `width` by `height`."""
    seen_width, seen_height = width / view.zoom, height / view.zoom
    left = min(max(view.x * width - seen_width / 2, 0.0), width - seen_width)
    top = min(max(view.y * height - seen_height / 2, 0.0), height - seen_height)
    return left, top, seen_width


def between(start: View, end: View, share: float) -> View:
    """The view at `share` (0 to 1) of the way from `start` to `end`."""
    return View(
        start.x + (end.x - start.x) * share,
        start.y + (end.y - start.y) * share,
        start.zoom + (end.zoom - start.zoom) * share,
    )


def moving_frames(path: Path, start: View, end: View, frame_count: int) -> Iterator[NDArray[np.uint8]]:
    """The frames of a steady camera move over a picture: RGB `(360, 640, 3)`, `frame_count` of them."""
    import cv2

    canvas = letterboxed(path)
    height, width, _ = canvas.shape
    for number in range(frame_count):
        left, top, seen_width = window(between(start, end, number / max(frame_count - 1, 1)), width, height)
        scale = seen_width / WIDTH
        from_frame = np.array([[scale, 0.0, left], [0.0, scale, top]])
        frame = cv2.warpAffine(
            canvas,
            from_frame,
            (WIDTH, HEIGHT),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        yield np.asarray(frame, np.uint8)
