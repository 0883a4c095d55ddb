"""Text that can be read in the picture: slides, captions, signs. PP-OCR's networks, by way of RapidOCR.

Source: PP-OCRv6, small: one network finds lines of text, a second one reads them. Both are ONNX files inside the
package rapidocr; nothing is downloaded. Lines are taken to be upright: the classifier that would turn a picture of a
page the right way up is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from encoders.errors import UnknownModel, WeightsMissing
from encoders.family import Family, ModelSpec, Runtime
from encoders.pictures import flatten, mean_by_segment, opened
from encoders.protocols import ForwardPasses, Keyframes, Vectors
from encoders.weights import PackagedWeights, find_weights, locate_weights, package_version

_MODEL: Literal["ppocr-v6-small"] = "ppocr-v6-small"
_PACKAGE = "rapidocr"
_SETTINGS = "config.yaml"
_DETECTOR = "PP-OCRv6_det_small.onnx"
_RECOGNISER = "PP-OCRv6_rec_small.onnx"
_FILES = (f"rapidocr/{_SETTINGS}", f"rapidocr/models/{_DETECTOR}", f"rapidocr/models/{_RECOGNISER}")
_GRID = 12
_CLASS_BUCKETS = 256

Picture = NDArray[np.uint8]
"""Height, width, and blue, green, red, as OpenCV has them."""


class ScreenTextSpec(ModelSpec):
    """Networks, the package around them, and what counts as a line of text."""

    describe: ClassVar[str] = (
        "Text in pictures: printed Latin, Chinese and Japanese lines of a readable size. Accents are often lost, "
        "handwriting and text that stands on its head are not read."
    )

    role: Literal["reader"] = "reader"
    family: Literal["rapidocr"] = "rapidocr"
    model: Literal["ppocr-v6-small"] = _MODEL
    weights: PackagedWeights
    """The two networks, and the package's own settings, which hold the picture sizes and pixel scales."""
    min_line_confidence: float = 0.8
    min_box_confidence: float = 0.5
    order: Literal["lines-top-down-left-right"] = "lines-top-down-left-right"
    repeats: Literal["once-per-segment-by-letters-and-digits"] = "once-per-segment-by-letters-and-digits"
    precision: Literal["float32"] = "float32"

    @property
    def slug(self) -> str:
        """The readable part of the version."""
        return self.model


@dataclass(frozen=True, slots=True)
class _Line:
    """A piece of text in a picture; `middle` and `height` in pixels from the top, `left` from the left."""

    text: str
    left: float
    middle: float
    height: float


class ScreenText:
    """A loaded reader; the networks are loaded at first use. One thread at a time."""

    def __init__(self, spec: ScreenTextSpec, runtime: Runtime) -> None:
        installed = package_version(_PACKAGE)
        if installed != spec.weights.revision:
            raise WeightsMissing(
                f"version {installed} is installed, the model was made with {spec.weights.revision}.",
                where=_PACKAGE,
                remedy=f"Install {_PACKAGE}=={spec.weights.revision}, or register the installed one as a new model.",
            )
        self._files = locate_weights(spec.weights)
        self._spec = spec
        self._threads = runtime.cpu_threads
        self._images = 0

    @property
    def spec(self) -> ScreenTextSpec:
        """What it was loaded from."""
        return self._spec

    @property
    def forward_passes(self) -> ForwardPasses:
        """Pictures searched for text since loading."""
        return ForwardPasses(images=self._images)

    def read_segments(self, keyframes: Keyframes) -> list[str]:
        """The text of each segment: the lines of all its keyframes in reading order, a repeated line once.

        Raises:
            EncodeFailed: A segment has no keyframe, or one that is not a picture.
        """
        pictures, counts = flatten(keyframes)
        lines = (self._read(_pixels(picture, place)) for place, picture in enumerate(pictures))
        return ["\n".join(_once(chain.from_iterable(islice(lines, count)))) for count in counts]

    def segment_features(self, keyframes: Keyframes) -> Vectors:
        """Where the first network sees text and what the second one reads, float32 `(n, 400)`: each half a unit vector.

        Raises:
            EncodeFailed: A segment has no keyframe, or one that is not a picture.
        """
        pictures, counts = flatten(keyframes)
        rows = np.empty((len(pictures), _GRID * _GRID + _CLASS_BUCKETS), dtype=np.float32)
        for place, picture in enumerate(pictures):
            rows[place] = self._features(_pixels(picture, place))
        return mean_by_segment(rows, counts)

    def _read(self, picture: Picture) -> list[str]:
        self._images += 1
        found = self._engine(picture)
        if found.txts is None:
            return []
        return _in_reading_order([_line(text, box) for text, box in zip(found.txts, found.boxes, strict=True)])

    def _features(self, picture: Picture) -> NDArray[np.float64]:
        self._images += 1
        engine = self._engine
        finder, reader = engine._load_det_model(), engine._load_rec_model()
        text_map = np.asarray(finder.session(finder.get_preprocess()(picture)), dtype=np.float64)[0, 0]
        _, height, width = reader.rec_image_shape
        letters = np.asarray(reader.session(reader.resize_norm_img(picture, width / height)[None]), dtype=np.float64)[0]
        return np.concatenate([half / np.linalg.norm(half) for half in (_log_odds(text_map), _letter_counts(letters))])

    @cached_property
    def _engine(self) -> Any:
        from rapidocr import RapidOCR

        return RapidOCR(
            config_path=str(self._files[_SETTINGS]),
            params={
                # With paths of their own, it has no reason to look for models on the network.
                "Det.model_path": str(self._files[_DETECTOR]),
                "Rec.model_path": str(self._files[_RECOGNISER]),
                "Det.box_thresh": self._spec.min_box_confidence,
                "Global.text_score": self._spec.min_line_confidence,
                "Global.use_cls": False,
                # It warns of every picture without text.
                "Global.log_level": "error",
                "EngineConfig.onnxruntime.intra_op_num_threads": self._threads or -1,
            },
        )


def _pixels(picture: bytes, place: int) -> Picture:
    with opened(picture, place) as image:
        return np.ascontiguousarray(np.asarray(image.convert("RGB"))[..., ::-1])


def _line(text: str, box: NDArray[np.float32]) -> _Line:
    """A line from its four corners, `(4, 2)`, x and y."""
    left, top = box.min(axis=0).tolist()
    bottom = float(box[:, 1].max())
    return _Line(" ".join(text.split()), left, (top + bottom) / 2, bottom - top)


def _in_reading_order(lines: Iterable[_Line]) -> list[str]:
    """Rows from the top, each from the left. Lines whose middles are within half a height of each other share a row."""
    rows: list[list[_Line]] = []
    for line in sorted(lines, key=lambda line: line.middle):
        if rows and line.middle - rows[-1][0].middle < min(line.height, rows[-1][0].height) / 2:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line.text for row in rows for line in sorted(row, key=lambda line: line.left)]


def _once(lines: Iterable[str]) -> list[str]:
    """Each line where it comes first; two are the same if they have the same letters and digits. Others are noise."""
    kept: dict[str, str] = {}
    for line in lines:
        letters = "".join(sign for sign in line.casefold() if sign.isalnum())
        if letters:
            kept.setdefault(letters, line)
    return list(kept.values())


def _log_odds(text_map: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean probability of text in each field of a grid of 12 by 12, as log odds.

    A picture without text has a map of next to nothing: its differences show in the exponent alone.
    """
    fields = [field.mean() for row in np.array_split(text_map, _GRID) for field in np.array_split(row, _GRID, axis=1)]
    clipped = np.clip(fields, 1e-6, 1 - 1e-6)
    odds: NDArray[np.float64] = np.log(clipped / (1 - clipped))
    return odds


def _letter_counts(letters: NDArray[np.float64]) -> NDArray[np.float64]:
    """Class probabilities `(steps, classes)` to 256 sums over steps and classes; the class that stands for nothing out.

    On a picture without text nearly all is nothing: the roots keep one class from hiding the others.
    """
    by_class = letters.sum(axis=0)[1:]
    buckets = np.bincount(np.arange(len(by_class)) % _CLASS_BUCKETS, weights=by_class, minlength=_CLASS_BUCKETS)
    roots: NDArray[np.float64] = np.sqrt(buckets)
    return roots


def resolve_screen_text(model: str = _MODEL) -> ScreenTextSpec:
    """The spec of what is installed here.

    Raises:
        UnknownModel: Another model than the one in the package.
        WeightsMissing: The package is not installed.
    """
    if model != _MODEL:
        raise UnknownModel("the family rapidocr has no such model.", where=model, remedy=f"It has: {_MODEL}.")
    return ScreenTextSpec(weights=find_weights(_PACKAGE, *_FILES))


def load_screen_text(spec: ScreenTextSpec, runtime: Runtime) -> ScreenText:
    """Check that the files are there; the networks follow at first use.

    Raises:
        WeightsMissing: The package of the spec is not installed, or in another version.
    """
    return ScreenText(spec, runtime)


FAMILY = Family(spec=ScreenTextSpec, models=(_MODEL,), resolve=resolve_screen_text, load=load_screen_text)
