"""Text on the screen: read once from the keyframes in the lake, and again only where something changed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from encoders.family import ModelSpec, Role
from encoders.registry import resolve
from encoders.screen_text import ScreenTextSpec
from lake.model_versions import ModelVersions
from lake.schema import DOCUMENTS, KEYFRAMES, SCREEN_TEXTS, SEGMENTS
from lake.store import Lake
from settings import Home
from stages.documents import write_documents
from stages.files import scan
from stages.screen_texts import STAGE, plan_screen_texts, read_screen_texts
from stages.segments import cut_segments
from stages.videos import probe_videos
from tests.media.films import Image, write_film
from tests.stages.small_lake import ChosenModels, SegmenterSpec, scope_of, shared_workers

pytest.importorskip("rapidocr", reason="the extra with rapidocr is not installed")


def _slide(text: str, ground: tuple[int, int, int]) -> Image:
    from PIL import Image as Pictures
    from PIL import ImageDraw, ImageFont

    slide = Pictures.new("RGB", (320, 192), ground)
    ImageDraw.Draw(slide).text((20, 70), text, fill="white", font=ImageFont.load_default(size=32))
    return np.asarray(slide)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """One film of three shots: a slide, nothing to read, another slide. Cut, but not read."""
    folder = tmp_path_factory.mktemp("slides")
    shots = [_slide("merge insert", (120, 0, 0)), _slide("", (0, 110, 0)), _slide("optimize", (0, 0, 120))]
    frames = [(shot, 1200 * number + at) for number, shot in enumerate(shots) for at in range(0, 1200, 40)]
    film = write_film(folder / "film.mp4", frames, codec_options={"crf": "18"})
    home = Home(folder / "home")
    Lake(home.lake)
    scope = scope_of(home)
    scan(scope, [film])
    probe_videos(scope, shared_workers())
    cut_segments(scope, shared_workers(), SegmenterSpec())
    return home


def _models(home: Home, **update: object) -> ChosenModels:
    spec = resolve("reader", "rapidocr").model_copy(update=update)
    specs: Mapping[Role, ModelSpec] = {"reader": spec}
    return ChosenModels(Lake(home.lake, create=False), home, specs)


def _rows(home: Home, columns: list[str]) -> list[dict[str, object]]:
    lake = Lake(home.lake, create=False)
    starts = {
        row["segment_id"]: row["start_ms"] for row in lake.read(SEGMENTS.name, ["segment_id", "start_ms"]).to_pylist()
    }
    rows = lake.read(SCREEN_TEXTS.name, ["segment_id", *columns]).to_pylist()
    return sorted(rows, key=lambda row: starts[row["segment_id"]])


def test_every_segment_is_read_once_and_again_only_where_its_pictures_or_the_reader_changed(home: Home) -> None:
    scope, models = scope_of(home), _models(home)
    spec = models.spec("reader")
    assert isinstance(spec, ScreenTextSpec)
    assert len(plan_screen_texts(scope, spec).new) == 3

    first = read_screen_texts(scope, models)

    assert [row["text"] for row in _rows(home, ["text"])] == ["merge insert", "", "optimize"]
    assert (first.stage, first.done, first.failures) == (STAGE, 3, ())
    assert first.work["segments_read"] == 3
    assert first.work["images_forwarded"] == len(scope.lake.read(KEYFRAMES.name, ["keyframe_id"]))
    assert ModelVersions(scope.lake).find(spec.version) is not None

    again = _models(home)
    second = read_screen_texts(scope, again)
    assert (second.done, second.skipped, again.loaded) == (0, 3, ())

    before = _rows(home, ["version", "output_fp"])
    third = read_screen_texts(scope, _models(home, min_line_confidence=0.81))
    after = _rows(home, ["version", "output_fp"])
    assert (third.new, third.stale, third.done) == (0, 3, 3)
    assert {row["version"] for row in after}.isdisjoint({row["version"] for row in before})
    assert [row["output_fp"] for row in after] == [row["output_fp"] for row in before]


def test_a_broken_keyframe_costs_its_own_segment_alone(home: Home, tmp_path: Path) -> None:
    import shutil

    mine = Home(Path(shutil.copytree(home.folder, tmp_path / "home")))
    scope = scope_of(mine)
    scope.lake.table(SCREEN_TEXTS.name).delete("true")
    broken = sorted(scope.lake.read(KEYFRAMES.name, ["segment_id"])["segment_id"].to_pylist())[0]
    scope.lake.table(KEYFRAMES.name).update(where=f"segment_id = '{broken}'", values={"jpeg": b"no picture"})

    report = read_screen_texts(scope, _models(mine))

    assert report.done == 2
    (failure,) = report.failures
    assert failure.subject == broken
    assert "not a picture" in failure.message
    assert broken not in {row["segment_id"] for row in _rows(mine, [])}


def test_what_can_be_read_is_part_of_the_document(home: Home, tmp_path: Path) -> None:
    import shutil

    mine = Home(Path(shutil.copytree(home.folder, tmp_path / "home")))
    scope = scope_of(mine)
    scope.lake.table(SCREEN_TEXTS.name).delete("true")
    assert write_documents(scope).done == 3
    read_screen_texts(scope, _models(mine))
    assert write_documents(scope).done == 3
    documents = scope.lake.read(DOCUMENTS.name, ["screen", "start_ms"]).sort_by("start_ms")
    assert documents["screen"].to_pylist() == ["merge insert", "", "optimize"]
    assert write_documents(scope).done == 0
