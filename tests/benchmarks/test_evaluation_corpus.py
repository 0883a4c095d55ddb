"""Reading references and queries."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.evaluation_corpus import CorpusError, labelled_queries, spoken_references

MANIFEST = """\
path,transcript
speech/a.wav,"Well, well"
speech/guess.wav,"[machine, tiny.en] well"
speech/described.wav,(two words)
speech/silent.wav,
videos/b.mp4,spoken in a video
"""


def test_only_what_a_person_wrote_down_is_a_reference(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text(MANIFEST)
    (reference,) = spoken_references(tmp_path)
    assert (reference.path, reference.words) == (tmp_path / "speech/a.wav", "Well, well")


def test_queries_name_their_video(tmp_path: Path) -> None:
    (tmp_path / "queries.csv").write_text('query,video_path\n"a dog, running",videos/b.mp4\n')
    (query,) = labelled_queries(tmp_path, "queries.csv")
    assert (query.text, query.video) == ("a dog, running", tmp_path / "videos/b.mp4")


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"queries\.csv"):
        labelled_queries(tmp_path, "queries.csv")


def test_missing_column_is_named(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("path,words\nspeech/a.wav,well\n")
    with pytest.raises(CorpusError, match="transcript"):
        spoken_references(tmp_path)
