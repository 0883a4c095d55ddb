"""Films made here, cut into segments with keyframes."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.errors import FileUnavailable, TruncatedVideo, UnreadableVideo
from media.partition import partition
from media.probe import probe
from media.shots import DecodedVideo, Shot, decode_video
from media.spec import SegmenterSpec
from tests.media.films import cut_film, decode_jpeg, scene, silent, write_film

SPEC = SegmenterSpec()


def bounds(video: DecodedVideo) -> list[tuple[int, int]]:
    return [(shot.start_ms, shot.end_ms) for shot in video.segments]


def demand_partition(video: DecodedVideo) -> None:
    assert video.segments[0].start_ms == 0
    assert video.segments[-1].end_ms == video.duration_ms
    assert all(before.end_ms == after.start_ms for before, after in pairwise(video.segments))
    assert all(shot.start_ms < shot.end_ms and shot.keyframes for shot in video.segments)


def mean_colour(shot: Shot, number: int = 0) -> tuple[int, ...]:
    return tuple(int(each) for each in decode_jpeg(shot.keyframes[number].jpeg).mean(axis=(0, 1)))


def test_shots_begin_at_the_cuts_and_each_shows_its_own_scene(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.mp4", cut_film([1000, 2520, 3200], 6000))
    video = decode_video(path, SPEC, silent)
    assert bounds(video) == [(0, 1000), (1000, 2520), (2520, 3200), (3200, 6000)]
    for number, shot in enumerate(video.segments):
        expected = scene(number).mean(axis=(0, 1))
        assert np.abs(np.array(mean_colour(shot)) - expected).max() < 12
        assert shot.start_ms <= shot.keyframes[0].pts_ms < shot.end_ms
    assert (video.frames_decoded, video.decode_errors, video.frames_damaged) == (150, 0, 0)


@settings(max_examples=12, deadline=None)
@given(
    gaps_ms=st.lists(st.integers(10, 90).map(lambda tens: tens * 40), max_size=4),
    frame_steps_ms=st.lists(st.sampled_from([20, 40, 120, 400, 1500]), min_size=1, max_size=3),
    offset_ms=st.sampled_from([0, 77, 5_000]),
)
def test_real_decodes_partition_the_video(gaps_ms: list[int], frame_steps_ms: list[int], offset_ms: int) -> None:
    cuts_ms = [sum(gaps_ms[: index + 1]) for index in range(len(gaps_ms))]
    frames, now_ms = [], 0
    while now_ms < sum(gaps_ms) + 1000:
        frames.append((scene(sum(cut <= now_ms for cut in cuts_ms)), now_ms + offset_ms))
        now_ms += frame_steps_ms[len(frames) % len(frame_steps_ms)]
    with tempfile.TemporaryDirectory() as folder:
        path = write_film(Path(folder) / "film.mkv", frames, codec_options={"preset": "ultrafast"})
        video = decode_video(path, SPEC, silent)
    demand_partition(video)
    cuts = [shot.start_ms for shot in video.segments]
    assert tuple(bounds(video)) == partition(cuts, video.duration_ms, SPEC)
    assert all(frame.pts_ms <= shot.end_ms for shot in video.segments for frame in shot.keyframes)


def test_a_long_shot_is_sliced_as_it_runs_with_keyframes_from_the_middles(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.mp4", cut_film([], 36_000, frame_ms=200), last_ms=200)
    video = decode_video(path, SPEC, silent)
    assert bounds(video) == list(partition([], 36_000, SPEC))
    for shot in video.segments:
        length_ms = shot.end_ms - shot.start_ms
        parts = len(shot.keyframes)
        middles = [shot.start_ms + length_ms * (2 * part + 1) / (2 * parts) for part in range(parts)]
        off_ms = [abs(frame.pts_ms - middle) for frame, middle in zip(shot.keyframes, middles, strict=True)]
        assert max(off_ms) <= 1500


def test_a_slide_show_shows_in_each_slice_what_is_on_the_screen(tmp_path: Path) -> None:
    path = write_film(tmp_path / "slides.mkv", [(scene(0), 0), (scene(1), 25_000)], last_ms=40)
    video = decode_video(path, SPEC, silent)
    demand_partition(video)
    for shot in video.segments[:-1]:
        assert np.abs(np.array(mean_colour(shot)) - scene(0).mean(axis=(0, 1))).max() < 12


def test_a_start_offset_is_not_time_of_the_video(tmp_path: Path) -> None:
    ten_hours_ms = 36_000_000
    frames = [(picture, pts_ms + ten_hours_ms) for picture, pts_ms in cut_film([1000], 2000)]
    path = write_film(tmp_path / "film.ts", frames)
    video = decode_video(path, SPEC, silent)
    assert bounds(video)[0] == (0, 1000)
    assert abs(video.duration_ms - 2000) <= 40
    assert probe(path, silent).start_offset_ms >= ten_hours_ms


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_keyframes_are_upright(tmp_path: Path, rotation: int) -> None:
    upright = np.zeros((96, 64, 3), dtype=np.uint8)
    upright[:48, :, 0] = 220
    upright[48:, :, 2] = 220
    stored = np.ascontiguousarray(np.rot90(upright, rotation // 90))
    path = write_film(tmp_path / "film.mp4", [(stored, pts) for pts in range(0, 400, 40)], rotation=rotation)
    facts = probe(path, silent)
    assert (facts.width, facts.height, facts.rotation) == (64, 96, rotation)
    frame = decode_video(path, SPEC, silent).segments[0].keyframes[0]
    assert (frame.width, frame.height) == (64, 96)
    pixels = decode_jpeg(frame.jpeg)
    assert pixels[10, 32, 0] > 150 > pixels[10, 32, 2]
    assert pixels[-10, 32, 2] > 150 > pixels[-10, 32, 0]


def test_pixels_that_are_not_square_are_stretched(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.mp4", cut_film([], 400), aspect=Fraction(3, 2))
    assert (probe(path, silent).width, probe(path, silent).height) == (96, 48)
    frame = decode_video(path, SPEC, silent).segments[0].keyframes[0]
    assert (frame.width, frame.height) == (96, 48)


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt", "size"),
    [
        ("odd.mkv", "ffv1", "yuv444p", (71, 47)),
        ("ten_bit.mp4", "libx264", "yuv420p10le", (64, 48)),
        ("gray.mkv", "ffv1", "gray", (64, 48)),
        ("alpha.mkv", "ffv1", "bgra", (64, 48)),
        ("full_range.avi", "mjpeg", "yuvj420p", (64, 48)),
        ("tiny.mkv", "ffv1", "yuv444p", (2, 2)),
        ("web.webm", "libvpx-vp9", "yuv420p", (64, 48)),
        ("old.mpg", "mpeg1video", "yuv420p", (64, 48)),
        ("picture.gif", "gif", "rgb8", (64, 48)),
    ],
)
def test_all_kinds_of_pictures(tmp_path: Path, name: str, codec: str, pix_fmt: str, size: tuple[int, int]) -> None:
    frames = [(scene(5, *size), pts) for pts in range(0, 1000, 40)]
    options = {"strict": "unofficial"} if codec == "mjpeg" else {"cpu-used": "8"} if "vpx" in codec else {}
    path = write_film(tmp_path / name, frames, codec=codec, pix_fmt=pix_fmt, codec_options=options)
    video = decode_video(path, SPEC, silent)
    demand_partition(video)
    assert abs(video.duration_ms - 1000) <= 60
    frame = video.segments[0].keyframes[0]
    assert (frame.width, frame.height) == size
    assert np.abs(np.array(mean_colour(video.segments[0])) - scene(5, *size).mean(axis=(0, 1))).max() < 14


def test_one_frame_is_a_video(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.mp4", [(scene(0), 0)])
    video = decode_video(path, SPEC, silent)
    assert bounds(video) == [(0, video.duration_ms)]
    assert video.duration_ms > 0


def test_large_pictures_are_made_small_and_the_same_bytes_have_the_same_digest(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.mp4", [(scene(0, 1000, 800), pts) for pts in range(0, 120, 40)])
    first, second = (decode_video(path, SPEC, silent).segments[0].keyframes[0] for _ in range(2))
    assert (first.width, first.height) == (480, 384)
    assert first == second
    assert len(first.digest) == 32


def test_the_sound_is_part_of_the_duration(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.mp4", cut_film([], 1000), tone=[(0, 3000)])
    video = decode_video(path, SPEC, silent)
    assert abs(video.duration_ms - 3000) <= 50
    demand_partition(video)


def test_a_truncated_film_is_not_half_read(tmp_path: Path) -> None:
    whole = write_film(tmp_path / "whole.mp4", cut_film([], 8000), options={"movflags": "faststart"})
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    with pytest.raises(TruncatedVideo, match=r"cut\.mp4: truncated: the container promises 8\.0 s, only \d"):
        decode_video(cut, SPEC, silent)


def test_a_matroska_film_cut_off_is_not_half_read(tmp_path: Path) -> None:
    whole = write_film(tmp_path / "whole.mkv", cut_film([], 8000), tone=[(0, 8000)])
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(TruncatedVideo):
        decode_video(cut, SPEC, silent)


def _outcome(path: Path) -> DecodedVideo | str:
    try:
        return decode_video(path, SPEC, silent)
    except (UnreadableVideo, TruncatedVideo) as error:
        return str(error)


def _damage(path: Path, every_bytes: int, first_byte: int) -> None:
    data = bytearray(path.read_bytes())
    for position in range(first_byte, len(data), every_bytes):
        data[position] ^= 0xFF
    path.write_bytes(bytes(data))


def test_damaged_packets_are_counted_and_the_rest_goes_on(tmp_path: Path) -> None:
    frames = [(scene(number), number * 40) for number in range(60)]
    path = write_film(tmp_path / "film.mov", frames, codec="png", pix_fmt="rgb24")
    data = path.read_bytes()
    third = [at for at in range(len(data)) if data.startswith(b"\x89PNG", at)][2]
    path.write_bytes(data[:third] + b"XXXX" + data[third + 4 :])
    video = decode_video(path, SPEC, silent)
    assert (video.frames_decoded, video.decode_errors) == (59, 1)
    demand_partition(video)


def test_a_film_of_which_most_is_lost_is_unreadable(tmp_path: Path) -> None:
    frames = [(scene(number), number * 40) for number in range(20)]
    path = write_film(tmp_path / "film.mov", frames, codec="png", pix_fmt="rgb24")
    path.write_bytes(path.read_bytes().replace(b"\x89PNG", b"XXXX", 12))
    with pytest.raises(UnreadableVideo, match="12 of 20 frames cannot be decoded"):
        decode_video(path, SPEC, silent)


def test_flipped_bits_give_a_whole_result_or_a_reason(tmp_path: Path) -> None:
    whole = write_film(tmp_path / "film.ts", cut_film([1000, 2000], 3000))
    for seed in range(8):
        path = tmp_path / f"flipped{seed}.ts"
        path.write_bytes(whole.read_bytes())
        _damage(path, every_bytes=997, first_byte=500 + seed)
        outcome = _outcome(path)
        if isinstance(outcome, DecodedVideo):
            demand_partition(outcome)
        else:
            assert path.name in outcome


def test_a_cover_picture_is_not_the_video(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        cover = container.add_stream("png", rate=25)
        cover.width, cover.height, cover.pix_fmt = 8, 8, "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        film = container.add_stream("libx264", rate=25)
        film.width, film.height, film.pix_fmt = 64, 48, "yuv420p"
        container.mux(cover.encode(av.VideoFrame.from_ndarray(scene(0, 8, 8), format="rgb24")))
        for _ in range(10):
            container.mux(film.encode(av.VideoFrame.from_ndarray(scene(1), format="rgb24")))
        container.mux(film.encode(None))
    assert (probe(path, silent).width, probe(path, silent).video_codec) == (64, "h264")
    assert decode_video(path, SPEC, silent).segments[0].keyframes[0].width == 64


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.mp4", b"", "the file is empty"),
        ("text.mp4", b"no film at all\n" * 50, "not a video"),
        ("notes.txt", b"no film at all\n" * 50, "text or a playlist"),
        ("zeros.mkv", bytes(5000), "not a video"),
    ],
)
def test_what_is_no_video_is_said_to_be_none(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnreadableVideo, match=reason):
        decode_video(path, SPEC, silent)


def test_a_missing_file_may_come_back(tmp_path: Path) -> None:
    with pytest.raises(FileUnavailable, match=r"gone\.mp4: cannot be opened: no such file") as caught:
        decode_video(tmp_path / "gone.mp4", SPEC, silent)
    assert caught.value.transient
