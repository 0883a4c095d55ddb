"""A decoded frame of any kind -> a small upright BGR picture.

Any size, pixel format, colour space and range; transparency is laid on black, which is what decoders that drop
it show; rotation and mirroring from the container's display matrix and pixels that are not square are made right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.sidedata.sidedata import SideData
    from av.video.frame import VideoFrame
    from av.video.reformatter import Colorspace

Picture = NDArray[np.uint8]
"""`(height, width, 3)`, BGR."""

_SQUARE = 1.0
_HD_LINES = 720
_UNSPECIFIED = 2
# ISO/IEC 23091-2 matrix coefficients that the scaler knows: BT.709, FCC, BT.470BG, SMPTE 170M, SMPTE 240M, BT.2020.
_KNOWN_MATRICES = frozenset({1, 4, 5, 6, 7, 9})


@dataclass(frozen=True, slots=True)
class Orientation:
    """What turns a stored picture upright: swap the axes first, then mirror."""

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @property
    def rotation(self) -> int:
        """Clockwise degrees: 0, 90, 180 or 270 (a mirrored picture counts as the rotation it comes with)."""
        if self.transpose:
            return 90 if self.flip_x else 270
        return 180 if self.flip_y else 0

    def apply(self, picture: Picture) -> Picture:
        """The picture turned upright, contiguous."""
        turned = picture.transpose(1, 0, 2) if self.transpose else picture
        turned = turned[:, ::-1] if self.flip_x else turned
        turned = turned[::-1] if self.flip_y else turned
        return np.ascontiguousarray(turned)


def orientation_of(frame: VideoFrame) -> Orientation:
    """From the frame's display matrix (ISO/IEC 14496-12, 8.3.2: a point `(p, q)` is shown at `(ap+cq, bp+dq)`)."""
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return Orientation()
    a, b, _, c, d = (int(value) for value in np.frombuffer(bytes(cast("SideData", matrix)), dtype=np.int32)[:5])
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Orientation(transpose=False, flip_x=a < 0, flip_y=d < 0)
    return Orientation(transpose=True, flip_x=c < 0, flip_y=b < 0)


def pixel_aspect(sample_aspect_ratio: float | None) -> float:
    """Width of a pixel over its height; square where the file says nothing or nonsense."""
    return sample_aspect_ratio if sample_aspect_ratio and 0.1 <= sample_aspect_ratio <= 10 else _SQUARE


def displayed_size(width: int, height: int, aspect: float) -> tuple[int, int]:
    """Size with square pixels, before rotation."""
    return max(1, round(width * aspect)), height


def fit_shorter(width: int, height: int, shorter_max: int) -> tuple[int, int]:
    """Scale down until the shorter side fits, and the longer one four times that: ribbons stay small too."""
    scale = min(1.0, shorter_max / min(width, height), 4 * shorter_max / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def fit_longer(width: int, height: int, longer_max: int) -> tuple[int, int]:
    """Scale down until the longer side fits."""
    scale = min(1.0, longer_max / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


class Shrinker:
    """Frames to BGR arrays of a given size. Holds the scaler's tables, so use one per size."""

    def __init__(self, *, smooth: bool) -> None:
        from av.video.reformatter import Interpolation, VideoReformatter

        self._scaler = VideoReformatter()
        self._kind: tuple[str, int, int] | None = None
        self._clear = False
        self._matrix: Colorspace | None = None
        self._method = Interpolation.BILINEAR if smooth else Interpolation.FAST_BILINEAR

    def shrink(self, frame: VideoFrame, size: tuple[int, int]) -> Picture:
        """One frame at `(width, height)`."""
        kind = (frame.format.name, frame.colorspace, frame.height)
        if kind != self._kind:
            self._kind, self._clear, self._matrix = kind, has_alpha(frame), _matrix_of(frame)
        small = self._scaler.reformat(
            frame,
            *size,
            format="bgra" if self._clear else "bgr24",
            src_colorspace=self._matrix,
            interpolation=self._method,
            threads=1,
        )
        pixels = cast(NDArray[np.uint8], small.to_ndarray())
        return _on_black(pixels) if self._clear else pixels


def has_alpha(frame: VideoFrame) -> bool:
    """Whether pixels may be transparent."""
    return frame.format.name == "pal8" or any(part.is_alpha for part in frame.format.components)


def _matrix_of(frame: VideoFrame) -> Colorspace | None:
    """The matrix to read YUV with: the frame's, or what players assume where it says nothing usable."""
    from av.video.reformatter import Colorspace

    if frame.format.is_rgb or frame.colorspace in _KNOWN_MATRICES:
        return None
    return Colorspace.ITU709 if frame.height >= _HD_LINES else Colorspace.SMPTE170M


def _on_black(pixels: NDArray[np.uint8]) -> Picture:
    opacity = pixels[..., 3]
    if opacity.min() == 255:
        return np.ascontiguousarray(pixels[..., :3])
    blended = pixels[..., :3].astype(np.uint16) * opacity[..., None].astype(np.uint16) + 127
    return (blended // 255).astype(np.uint8)
