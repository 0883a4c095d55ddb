"""Speech to words: right, in order, the same each time, and in bounded pieces."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders.errors import EncodeFailed
from encoders.faster_whisper import FasterWhisper, FasterWhisperSpec
from encoders.protocols import SAMPLE_RATE_HZ, Samples
from encoders.sound_blocks import sound_blocks


def _plain(text: str) -> list[str]:
    return "".join(c for c in text.lower() if c.isalnum() or c == " ").split()


def test_clear_speech_is_read_word_for_word(whisper: FasterWhisper, speech: Samples) -> None:
    transcript = whisper.transcribe(speech)

    assert _plain(transcript.text) == _plain(
        "and so my fellow americans ask not what your country can do for you ask what you can do for your country"
    )
    assert transcript.language == "en"
    assert transcript == whisper.transcribe(speech)


def test_a_long_track_loses_no_word_at_the_cuts(
    whisper_spec: FasterWhisperSpec, speech: Samples, tmp_path: Path
) -> None:
    times = 4
    path = tmp_path / "track.s16"
    np.tile(speech, times).tofile(path)
    track = np.memmap(path, dtype=np.int16, mode="r")
    short_blocks = whisper_spec.model_copy(update={"block_s": 16.0, "block_cut_search_s": 8.0})
    whisper = FasterWhisper(short_blocks, cpu_threads=1)

    transcript = whisper.transcribe(track)

    said = _plain(transcript.text)
    assert said.count("country") == 2 * times
    assert said.count("americans") == times
    assert len(said) == 22 * times
    end_ms = len(track) * 1000 // SAMPLE_RATE_HZ
    assert all(0 <= word.start_ms <= word.end_ms <= end_ms for word in transcript.words)
    assert all(a.start_ms <= b.start_ms for a, b in pairwise(transcript.words))
    assert all(0 <= word.probability <= 1 for word in transcript.words)
    assert whisper.forward_passes.sound_s == pytest.approx(len(track) / SAMPLE_RATE_HZ)


def test_where_nothing_is_said_nothing_is_written(whisper: FasterWhisper) -> None:
    rng = np.random.default_rng(1)
    silence = np.zeros(5 * SAMPLE_RATE_HZ, dtype=np.int16)
    noise = (rng.normal(size=5 * SAMPLE_RATE_HZ) * 1500).astype(np.int16)
    for sound in (silence, noise, np.empty(0, dtype=np.int16)):
        assert whisper.transcribe(sound).words == ()


@pytest.mark.parametrize("wrong", [np.zeros(16, dtype=np.float32), np.zeros((2, 16), dtype=np.int16)])
def test_sound_of_another_form_is_refused(whisper: FasterWhisper, wrong: Samples) -> None:
    with pytest.raises(EncodeFailed, match=str(wrong.dtype)):
        whisper.transcribe(wrong)


@settings(deadline=None, max_examples=60)
@given(
    length=st.integers(0, 200_000),
    block_s=st.floats(1.0, 6.0),
    part=st.floats(0.4, 0.9),
    seed=st.integers(0, 2**32 - 1),
)
def test_blocks_cover_the_track_in_order_and_none_is_too_long(
    length: int, block_s: float, part: float, seed: int
) -> None:
    samples = np.random.default_rng(seed).integers(-9000, 9000, length, dtype=np.int16)
    blocks = list(sound_blocks(samples, block_s=block_s, search_s=block_s * part))

    assert [start for start, _ in blocks] == [0, *(stop for _, stop in blocks)][: len(blocks)]
    assert (blocks[-1][1] if blocks else 0) == length
    assert all(0 < stop - start <= round(block_s * SAMPLE_RATE_HZ) for start, stop in blocks)


def test_a_block_ends_in_the_silence() -> None:
    samples = np.full(60 * SAMPLE_RATE_HZ, 5000, dtype=np.int16)
    samples[24 * SAMPLE_RATE_HZ : 25 * SAMPLE_RATE_HZ] = 0
    (_, cut), *_ = sound_blocks(samples, block_s=30, search_s=10)
    assert 24 * SAMPLE_RATE_HZ < cut < 25 * SAMPLE_RATE_HZ
