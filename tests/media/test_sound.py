"""Sound lies on the timeline of the segments."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from media.errors import NoSound, TruncatedVideo
from media.sound import SAMPLE_RATE_HZ, extract_sound
from tests.media.films import cut_film, silent, write_film


def _loud_ms(path: Path, tmp_path: Path) -> list[tuple[int, int]]:
    """`[start_ms, end_ms)` stretches that are not silent, in steps of 10 ms."""
    track = extract_sound(path, tmp_path / "sound.pcm", silent)
    samples: NDArray[np.int16] = np.fromfile(track.path, dtype=np.int16)
    assert samples.size == track.samples
    assert track.duration_ms == track.samples * 1000 // SAMPLE_RATE_HZ
    steps = samples[: samples.size // 160 * 160].reshape(-1, 160)
    loud = np.concatenate([[False], np.abs(steps.astype(int)).max(axis=1) > 3000, [False]])
    edges = np.flatnonzero(np.diff(loud.astype(int))) * 10
    return [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]


@pytest.mark.parametrize(
    ("name", "codec", "film_codec"),
    [
        ("film.mp4", "aac", "libx264"),
        ("film.mkv", "libopus", "libx264"),
        ("film.mkv", "flac", "libx264"),
        ("film.ts", "aac", "libx264"),
        ("film.webm", "libopus", "libvpx-vp9"),
    ],
)
@pytest.mark.parametrize("tone", [[(0, 1500)], [(700, 1500)], [(0, 500), (1200, 2000)]])
def test_sound_lies_where_its_timestamps_say(
    tmp_path: Path, name: str, codec: str, film_codec: str, tone: list[tuple[int, int]]
) -> None:
    options = {"cpu-used": "8"} if "vpx" in film_codec else {"preset": "ultrafast"}
    path = write_film(
        tmp_path / name, cut_film([], 2000), codec=film_codec, tone=tone, sound_codec=codec, codec_options=options
    )
    found = _loud_ms(path, tmp_path)
    assert len(found) == len(tone)
    for (start_ms, end_ms), (tone_start_ms, tone_end_ms) in zip(found, tone, strict=True):
        assert abs(start_ms - tone_start_ms) <= 60
        assert abs(end_ms - tone_end_ms) <= 80


def test_the_pitch_is_kept(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.mp4", cut_film([], 1000), tone=[(0, 1000)])
    track = extract_sound(path, tmp_path / "sound.pcm", silent)
    spectrum = np.abs(np.fft.rfft(np.fromfile(track.path, dtype=np.int16)[:SAMPLE_RATE_HZ].astype(float)))
    assert abs(int(spectrum.argmax()) - 440) <= 2


def test_a_film_without_sound_says_so(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.mp4", cut_film([], 400))
    with pytest.raises(NoSound, match=r"film\.mp4: has no sound track"):
        extract_sound(path, tmp_path / "sound.pcm", silent)


def test_a_truncated_sound_track_is_not_half_read(tmp_path: Path) -> None:
    options = {"movflags": "faststart"}
    whole = write_film(tmp_path / "whole.mp4", cut_film([], 400), tone=[(0, 8000)], options=options)
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    with pytest.raises(TruncatedVideo, match=r"promises 8\.0 s, only"):
        extract_sound(cut, tmp_path / "sound.pcm", silent)
