"""Text in pictures: read right, in order, once, and without the network."""

from __future__ import annotations

import io
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoders import canary
from encoders.errors import CanaryMismatch, EncodeFailed, UnknownModel, WeightsMissing
from encoders.family import Runtime
from encoders.protocols import Captioner, Reader
from encoders.screen_text import FAMILY, ScreenText, ScreenTextSpec, _in_reading_order, _Line, resolve_screen_text

pytestmark = pytest.mark.skipif(find_spec("rapidocr") is None, reason="rapidocr is not installed")


@pytest.fixture(scope="module")
def spec() -> ScreenTextSpec:
    return resolve_screen_text()


@pytest.fixture(scope="module")
def reader(spec: ScreenTextSpec) -> ScreenText:
    return ScreenText(spec, Runtime(cpu_threads=1))


def _picture(*texts: tuple[int, int, str], height_px: int = 28, kind: str = "JPEG") -> bytes:
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (640, 360), (20, 24, 40))
    draw = ImageDraw.Draw(image)
    for x, y, text in texts:
        draw.text((x, y), text, fill="white", font=ImageFont.load_default(size=height_px))
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


def test_a_slide_is_read_line_by_line_from_the_top_left(reader: ScreenText) -> None:
    slide = _picture((330, 200, "second column"), (40, 40, "Index maintenance"), (40, 203, "first column"),
                     (40, 300, "Lecture 7, 2024"))  # fmt: skip
    before = reader.forward_passes

    (text,) = reader.read_segments([[slide]])

    assert text.split("\n") == ["Index maintenance", "first column", "second column", "Lecture 7, 2024"]
    assert (reader.forward_passes - before).images == 1


def test_a_line_that_stays_on_the_screen_is_said_once_per_segment(reader: ScreenText) -> None:
    first = _picture((40, 40, "Index maintenance"), (40, 140, "merge insert"))
    second = _picture((40, 40, "Index maintenance"), (40, 240, "optimize"))
    empty = _picture()

    assert reader.read_segments([[first, second], [empty], [second]]) == [
        "Index maintenance\nmerge insert\noptimize",
        "",
        "Index maintenance\noptimize",
    ]


def test_no_segments_give_no_texts(reader: ScreenText) -> None:
    assert reader.read_segments([]) == []
    assert reader.segment_features([]).shape == (0, 400)


def test_lines_it_is_not_sure_of_are_left_out(spec: ScreenTextSpec) -> None:
    strict = ScreenText(spec.model_copy(update={"min_line_confidence": 1.0}), Runtime(cpu_threads=1))
    assert strict.read_segments([[_picture((40, 40, "Index maintenance"))]]) == [""]
    assert strict.spec.version != spec.version


@pytest.mark.parametrize("broken", [b"", b"no picture", _picture((40, 40, "cut off"))[:900]])
def test_what_is_no_picture_is_named_by_its_place(reader: ScreenText, broken: bytes) -> None:
    with pytest.raises(EncodeFailed, match="keyframe 2 of the call"):
        reader.read_segments([[_picture(), _picture()], [broken]])


def test_a_segment_without_a_keyframe_is_refused(reader: ScreenText) -> None:
    with pytest.raises(EncodeFailed, match="segment 1"):
        reader.read_segments([[_picture()], []])


def test_pictures_of_odd_shapes_are_read(reader: ScreenText) -> None:
    from PIL import Image

    def blank(width: int, height: int) -> bytes:
        stream = io.BytesIO()
        Image.new("L", (width, height)).save(stream, "PNG")
        return stream.getvalue()

    assert reader.read_segments([[blank(1, 1)], [blank(16, 200)], [blank(900, 12)]]) == ["", "", ""]


def test_nothing_is_fetched(spec: ScreenTextSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    reader = ScreenText(spec, Runtime(cpu_threads=1))
    assert reader.read_segments([[_picture((40, 40, "offline"))]]) == ["offline"]


def test_the_canary_agrees_with_itself_and_notices_other_weights(reader: ScreenText, spec: ScreenTextSpec) -> None:
    stored = canary.compute(reader)
    assert set(stored.parts) == {"screen"}
    canary.verify(stored, canary.compute(reader))

    other = ScreenText(spec, Runtime(cpu_threads=1))
    recogniser = other._engine._load_rec_model()
    read = recogniser.session

    def a_little_off(pixels: np.ndarray) -> np.ndarray:
        sharper = np.asarray(read(pixels)) ** 1.3
        return np.asarray(sharper / sharper.sum(axis=-1, keepdims=True))

    recogniser.session = a_little_off
    with pytest.raises(CanaryMismatch, match="screen"):
        canary.verify(stored, canary.compute(other))


def test_it_is_a_reader_and_no_captioner(reader: ScreenText) -> None:
    assert isinstance(reader, Reader)
    assert not isinstance(reader, Captioner)
    assert (FAMILY.name, FAMILY.role) == ("rapidocr", "reader")


def test_only_what_it_was_made_from_is_loaded(spec: ScreenTextSpec) -> None:
    def changed(**update: object) -> ScreenTextSpec:
        return spec.model_copy(update={"weights": spec.weights.model_copy(update=update)})

    files = tuple(file.model_copy(update={"sha256": "0" * 64}) for file in spec.weights.files)
    for stranger in (changed(revision="0.1"), changed(files=files)):
        with pytest.raises(WeightsMissing, match="made"):
            ScreenText(stranger, Runtime())
    with pytest.raises(UnknownModel, match="ppocr-v6-small"):
        resolve_screen_text("ppocr-v9")


_LINES = st.lists(
    st.builds(_Line, st.text("ab", min_size=1), st.floats(0, 600), st.floats(0, 300), st.floats(8, 40)), max_size=12
)


@given(_LINES, st.randoms())
def test_reading_order_loses_nothing_and_does_not_depend_on_the_order_of_finding(
    lines: list[_Line], shuffler: object
) -> None:
    distinct = [
        _Line(str(number), line.left + number * 1e-3, line.middle + number * 1e-3, line.height)
        for number, line in enumerate(lines)
    ]
    ordered = _in_reading_order(distinct)
    assert sorted(ordered) == sorted(line.text for line in distinct)
    shuffled = list(distinct)
    shuffle: Callable[[list[_Line]], None] = shuffler.shuffle  # type: ignore[attr-defined]
    shuffle(shuffled)
    assert _in_reading_order(shuffled) == ordered
