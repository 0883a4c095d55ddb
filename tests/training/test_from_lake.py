"""Pairs from a real lake, and from files that name its videos."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from kernel.progress import Silent
from lake.schema import DOCUMENTS, FILES, SEGMENTS, TRANSCRIPTS
from lake.store import Lake
from tests.stages.small_lake import ingested
from training.errors import BadPairs
from training.from_csv import pairs_from_csv
from training.from_lake import MAX_SPOKEN_WORDS, pairs_from_lake, spoken_sentences
from training.pairs import SOURCES, TrainingSet


@dataclass(frozen=True)
class _Told:
    """A copy of the small lake whose documents say something."""

    lake: Lake
    folder: Path

    def pairs(self) -> TrainingSet:
        out = self.folder / "out"
        out.mkdir(exist_ok=True)
        return pairs_from_lake(self.lake, "conse", out, cache_dir=None, progress=Silent())

    def from_csv(self, text: str) -> TrainingSet:
        path = self.folder / "pairs.csv"
        path.write_text(text, encoding="utf-8")
        out = self.folder / "out"
        out.mkdir(exist_ok=True)
        return pairs_from_csv(self.lake, path, "conse", out, cache_dir=None, progress=Silent())


@pytest.fixture
def told(tmp_path: Path) -> _Told:
    return _Told(Lake(ingested().copied_to(tmp_path / "home").lake, create=False), tmp_path)


def _say(lake: Lake, **columns: str) -> None:
    rows = lake.snapshot(DOCUMENTS.name).to_table().to_pylist()
    lake.upsert(DOCUMENTS, [row | columns for row in rows])


def _speak(lake: Lake, language: str) -> None:
    videos = sorted(set(lake.read(SEGMENTS.name, ["video_id", "bucket"])["video_id"].to_pylist()))
    made = {"decode_errors": 0, "version": "v", "input_fp": "i", "output_fp": "o", "words": []}
    rows = [{"video_id": video, "bucket": video[:2], "language": language} | made for video in videos]
    lake.upsert(TRANSCRIPTS, rows)


def test_captions_and_spoken_words_become_sentences_of_their_segment(told: _Told) -> None:
    _say(told.lake, caption="two people on a bench", caption_version="blip-1", transcript="we are going home now")
    _speak(told.lake, "en")
    pairs = told.pairs()
    segments = told.lake.read(SEGMENTS.name, ["segment_id", "video_id"]).to_pylist()
    assert sorted(pairs.names) == sorted(row["segment_id"] for row in segments)
    assert dict(zip(pairs.names, pairs.groups, strict=True)) == {r["segment_id"]: r["video_id"] for r in segments}
    assert set(pairs.texts) == {"two people on a bench", "we are going home now"}
    sources = [SOURCES[number] for number in pairs.source]
    assert sources.count("caption") == sources.count("transcript") == len(segments)
    assert pairs.features.dtype == np.float16
    assert len(pairs.features) == pairs.counts.sum() == len(pairs.vectors)
    assert pairs.features.shape[1] == 1280
    assert np.allclose(np.linalg.norm(pairs.vectors.astype(np.float32), axis=1), 1, atol=1e-2)


def test_names_of_classes_teach_nothing(told: _Told) -> None:
    with pytest.raises(BadPairs, match=r"nothing is spoken, and the captions are the names of the classes.*CSV"):
        told.pairs()


def test_speech_in_another_language_is_left_out_and_alone_is_refused(told: _Told) -> None:
    _say(told.lake, transcript="nous rentrons chez nous maintenant")
    _speak(told.lake, "fr")
    with pytest.raises(BadPairs, match=r"in another language \(fr\).*knows English only"):
        told.pairs()
    _say(told.lake, caption="a dog", caption_version="blip-1")
    assert set(told.pairs().texts) == {"a dog"}


def test_a_lake_without_words_is_refused(told: _Told) -> None:
    told.lake.delete(DOCUMENTS.name, "version", sorted(set(_versions(told.lake))))
    with pytest.raises(BadPairs, match="there are no words in the lake"):
        told.pairs()


def _versions(lake: Lake) -> list[str]:
    found: list[str] = lake.read(DOCUMENTS.name, ["version"])["version"].to_pylist()
    return found


def test_long_speech_is_cut_at_sentences_and_short_speech_left_out() -> None:
    assert spoken_sentences("oh no") == []
    assert spoken_sentences("we are home") == ["we are home"]
    long = " ".join(f"this is sentence number {n}." for n in range(20))
    cut = spoken_sentences(long)
    assert len(cut) == 20
    assert cut[3] == "this is sentence number 3."
    endless = spoken_sentences(" ".join(["word"] * 100))
    assert [len(piece.split()) for piece in endless] == [MAX_SPOKEN_WORDS, MAX_SPOKEN_WORDS, 20]


def _videos(lake: Lake) -> list[str]:
    found: list[str] = sorted(lake.read(FILES.name, ["uri"])["uri"].to_pylist())
    return found


def test_a_file_of_pairs_names_videos_and_seconds(told: _Told) -> None:
    first, second = _videos(told.lake)[:2]
    pairs = told.from_csv(
        "text,video_path,start_s,label\n"
        f"stripes and rings,{first},,\nthe first shot,{second},0.5,shot\nagain the whole,{first},,film\n"
    )
    assert pairs.labels == ("film", "shot")
    assert len(pairs) == 2
    assert pairs.texts == ("stripes and rings", "again the whole", "the first shot")
    assert pairs.item_of.tolist() == [0, 0, 1]
    whole, shot = pairs.names
    assert pairs.groups[0] == whole
    assert shot.startswith(pairs.groups[1])
    shots = told.lake.count(SEGMENTS.name, f"video_id = '{whole}'")
    assert pairs.counts[0] >= shots >= 2


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("text,video\na,b\n", "the columns video_path are missing"),
        ("text,video_path\n", "it has no rows"),
        ("text,video_path\n ,b\n", "line 2: a text or a path is empty"),
        ("text,video_path\na dog,nowhere.mp4\n", r"1 of 1 rows name a video that is not in the lake.*in line 2"),
        ("text,video_path,start_s\na dog,{video},soon\n", "line 2: `start_s` is 'soon'"),
        ("text,video_path,start_s\na dog,{video},9000\n", r"line 2: second 9000 is not within the video"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_by_its_line(told: _Told, rows: str, said: str) -> None:
    with pytest.raises(BadPairs, match=rf"pairs\.csv.*{said}"):
        told.from_csv(rows.format(video=_videos(told.lake)[0]))


def test_a_file_that_is_none(told: _Told) -> None:
    with pytest.raises(BadPairs, match=r"gone\.csv: it cannot be read"):
        pairs_from_csv(told.lake, Path("gone.csv"), "conse", told.folder, cache_dir=None, progress=Silent())
