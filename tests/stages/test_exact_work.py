"""What is computed again when something changes: exactly what it touches, told by counters of real work."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from encoders.efficientnet import shared_backbone
from encoders.family import ModelSpec, Role
from encoders.protocols import ForwardPasses, Samples, Transcriber, Transcript, Word
from encoders.registry import resolve
from kernel.identity import video_id_of
from lake.releases import Releases
from lake.schema import CAPTIONS, DECODES, DOCUMENTS, FILES, KEYFRAMES, SEGMENTS, TRANSCRIPTS, VIDEOS
from lake.store import Lake
from media.spec import SegmenterSpec
from quality.policy import PromotionPolicy
from quality.promotion import decide_release
from settings import Home
from stages.vectors import table_of
from tests.stages.small_lake import (
    ChosenModels,
    distinct_pictures,
    ingested,
    run_stages,
    scope_of,
    work_of,
    write_pictures,
)

pytestmark = pytest.mark.xdist_group("ingested")

SHOTS = 6
"""Of the films of `ingested`, one picture each."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return ingested().copied_to(tmp_path / "home")


def _lake(home: Home) -> Lake:
    return Lake(home.lake, create=False)


def _rows(home: Home, table: str, key: str, columns: Sequence[str]) -> dict[str, dict[str, Any]]:
    return {row[key]: row for row in _lake(home).read(table, [key, *columns]).to_pylist()}


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def _vectors(home: Home, space: Any, spec: ModelSpec) -> pa.Table:
    return _lake(home).snapshot(table_of(spec, space).name).to_table().sort_by("segment_id")


def _other(role: Role, reference: str, **changes: Any) -> dict[Role, ModelSpec]:
    return {role: resolve(role, reference).model_copy(update=changes)}


def test_an_unchanged_corpus_costs_nothing(home: Home) -> None:
    models = ChosenModels(_lake(home), home)
    reports = run_stages(home, [ingested().films], models=models)
    assert work_of(reports) == {}
    assert models.loaded == ()
    assert {name: (report.planned, report.orphaned) for name, report in reports.items()} == dict.fromkeys(
        reports, (0, 0)
    )
    assert {name: report.skipped for name, report in reports.items()} == {
        "videos": 3,
        "segments": 3,
        "transcripts": 2,
        "captions": SHOTS,
        "documents": SHOTS,
        "visual_vectors": SHOTS,
        "text_vectors": SHOTS - 1,  # the blue shot has no word
    }


def test_copies_renames_touches_and_removals_move_files_and_compute_nothing(home: Home, tmp_path: Path) -> None:
    films = tmp_path / "films"
    shutil.copytree(ingested().films, films)
    models = ChosenModels(_lake(home), home)

    def ingest_again() -> dict[str, bool]:
        assert work_of(run_stages(home, [films], models=models)) == {}
        assert models.loaded == ()
        return {
            Path(uri).name: row["missing"]
            for uri, row in _rows(home, FILES.name, "uri", ["missing"]).items()
            if Path(uri).is_relative_to(films)
        }

    assert ingest_again() == {"a.mp4": False, "b.mp4": False, "c.mp4": False}
    (films / "a.mp4").rename(films / "renamed.mp4")
    (films / "b.mp4").touch()
    assert ingest_again() == {"a.mp4": True, "b.mp4": False, "c.mp4": False, "renamed.mp4": False}
    (films / "c.mp4").unlink()
    assert ingest_again()["c.mp4"]
    shutil.copy2(ingested().films / "c.mp4", films / "c.mp4")
    assert not ingest_again()["c.mp4"]
    assert _lake(home).count(VIDEOS.name) == 3
    assert _lake(home).count(SEGMENTS.name) == SHOTS


def test_a_changed_film_leaves_the_video_it_was(home: Home, tmp_path: Path) -> None:
    films = tmp_path / "films"
    shutil.copytree(ingested().films, films)
    run_stages(home, [films])
    old_id = video_id_of(films / "b.mp4")
    write_pictures(films / "b.mp4", ["grid"])
    reports = run_stages(home, [films])
    assert reports["segments"].work["videos_decoded"] == 1
    assert {name: report.orphaned for name, report in reports.items()} == dict.fromkeys(reports, 0)
    segments = set(_lake(home).read(SEGMENTS.name, ["video_id"])["video_id"].to_pylist())
    assert {old_id, video_id_of(films / "b.mp4")} < segments


def test_a_new_visual_version_is_filled_beside_the_live_one_from_stored_pictures(home: Home) -> None:
    live = resolve("visual", "conse")
    chosen = _other("visual", "conse", top_k=5)
    candidate = chosen["visual"]
    before = _vectors(home, "visual", live)
    shared_backbone.cache_clear()
    models = ChosenModels(_lake(home), home, chosen)
    reports = run_stages(home, models=models)
    assert work_of(reports) == {
        "visual_vectors": {"vectors": SHOTS, "images_forwarded": distinct_pictures(_lake(home))}
    }
    assert (reports["visual_vectors"].version, reports[live.version].skipped) == (candidate.version, SHOTS)
    assert models.loaded == (candidate.version,)
    assert _vectors(home, "visual", live).equals(before)
    made = _vectors(home, "visual", candidate)
    assert made["segment_id"].equals(before["segment_id"])
    assert not np.allclose(np.stack(made["vector"].to_numpy()), np.stack(before["vector"].to_numpy()))

    decision = decide_release(scope_of(home), models, {"k": 10.0}, PromotionPolicy())
    assert not decision.made
    assert candidate.version in decision.reason
    assert [release.spaces["visual"] for release in Releases(_lake(home)).all()] == [live.version]
    assert work_of(run_stages(home, models=ChosenModels(_lake(home), home, chosen))) == {}


def test_a_new_film_goes_into_the_candidate_and_the_live_version(home: Home, tmp_path: Path) -> None:
    chosen = _other("visual", "conse", top_k=5)
    run_stages(home, models=ChosenModels(_lake(home), home, chosen))
    shared_backbone.cache_clear()
    film = write_pictures(tmp_path / "new.mp4", ["rings", "grid"])
    reports = run_stages(home, [film], models=ChosenModels(_lake(home), home, chosen))
    live = resolve("visual", "conse").version
    assert (reports["visual_vectors"].done, reports[live].done) == (2, 2)
    forwarded = sum(report.work.get("images_forwarded", 0) for report in reports.values())
    assert forwarded == 2, "once each, whatever the number of versions"


def test_a_new_captioner_costs_captions_and_the_words_that_changed(home: Home) -> None:
    before = _rows(home, CAPTIONS.name, "segment_id", ["text"])
    documents = _rows(home, DOCUMENTS.name, "segment_id", ["caption", "output_fp"])
    text = resolve("text", "minilm")
    vectors = _vectors(home, "text", text).drop_columns("vector").to_pylist()
    chosen = _other("captioner", "imagenet_labels", min_score=0.16)
    shared_backbone.cache_clear()
    reports = run_stages(home, models=ChosenModels(_lake(home), home, chosen))
    after = _rows(home, CAPTIONS.name, "segment_id", ["text"])
    changed = _changed(before, after)
    assert 0 < len(changed) < SHOTS, "the example must change some words and keep some"
    assert work_of(reports) == {
        "captions": {"segments_captioned": SHOTS, "images_forwarded": distinct_pictures(_lake(home))},
        "documents": {"documents": len(changed)},
        "text_vectors": {"vectors": len(changed), "texts_forwarded": len(changed)},
    }
    assert _changed(documents, _rows(home, DOCUMENTS.name, "segment_id", ["caption", "output_fp"])) == changed
    kept = _vectors(home, "text", text).drop_columns("vector").to_pylist()
    assert {row["segment_id"] for row in kept if row not in vectors} == changed


def test_a_captioner_that_falls_silent_takes_the_text_vectors_away(home: Home) -> None:
    chosen = _other("captioner", "imagenet_labels", min_score=1.0)
    reports = run_stages(home, models=ChosenModels(_lake(home), home, chosen))
    assert work_of(reports)["documents"] == {"documents": SHOTS - 1}
    assert (reports["text_vectors"].removed, reports["text_vectors"].done) == (SHOTS - 1, 0)
    assert _vectors(home, "text", resolve("text", "minilm")).num_rows == 0


class Scripted:
    """A transcriber that hears what it is told to hear, under the spec it is given."""

    def __init__(self, spec: ModelSpec, words: Sequence[Word]) -> None:
        self.spec = spec
        self._words = tuple(words)
        self._sound_s = 0.0

    @property
    def forward_passes(self) -> ForwardPasses:
        return ForwardPasses(sound_s=self._sound_s)

    def transcribe(self, samples: Samples) -> Transcript:
        self._sound_s += len(samples) / 16_000
        return Transcript("en", self._words)

    def sound_features(self, samples: Samples) -> Any:
        raise NotImplementedError


class WithScripted(ChosenModels):
    def __init__(self, home: Home, beam_size: int, words: Sequence[Word]) -> None:
        super().__init__(_lake(home), home, _other("transcriber", "faster_whisper:tiny.en", beam_size=beam_size))
        self._scripted = Scripted(self.spec("transcriber"), words)

    def transcriber(self) -> Transcriber:
        return self._scripted


def test_a_new_transcriber_costs_transcripts_and_the_words_that_changed(home: Home) -> None:
    spoken = [Word(100, 500, "a", 1.0), Word(600, 900, "fox", 1.0), Word(1300, 1500, "runs", 1.0)]
    reports = run_stages(home, models=WithScripted(home, 3, spoken))
    assert work_of(reports) == {
        "transcripts": {"videos_transcribed": 2},
        "documents": {"documents": 4},  # both shots of both films with sound
        "text_vectors": {"vectors": 4, "texts_forwarded": 4},
    }
    said = {row["transcript"] for row in _rows(home, DOCUMENTS.name, "segment_id", ["transcript"]).values()}
    assert said == {"a fox", "runs", ""}

    equal = WithScripted(home, 4, spoken)
    assert work_of(run_stages(home, models=equal)) == {"transcripts": {"videos_transcribed": 2}}
    assert equal.loaded == ()

    later = WithScripted(home, 5, [*spoken[:2], Word(1400, 1600, "runs", 1.0)])
    reports = run_stages(home, models=later)
    assert work_of(reports) == {"transcripts": {"videos_transcribed": 2}, "documents": {"documents": 4}}
    assert later.loaded == (), "the same words in the same shots: no vector is made again"


def test_a_new_segmenter_replaces_segments_everywhere_and_leaves_transcripts(home: Home) -> None:
    old = _rows(home, SEGMENTS.name, "segment_id", [])
    reports = run_stages(home, segmenter=SegmenterSpec(max_segment_s=1.0))
    new = _rows(home, SEGMENTS.name, "segment_id", [])
    assert not old.keys() & new.keys()
    assert reports["segments"].work["videos_decoded"] == 3
    assert "transcripts" not in work_of(reports)
    lake = _lake(home)
    assert {row["version"] for row in _rows(home, DECODES.name, "video_id", ["version"]).values()} == {
        reports["segments"].version
    }
    for stage in ("captions", "documents", "visual_vectors"):
        assert (reports[stage].removed, reports[stage].done) == (SHOTS, len(new))
    visual = table_of(resolve("visual", "conse"), "visual").name
    for table in (KEYFRAMES.name, CAPTIONS.name, DOCUMENTS.name, visual):
        assert set(lake.read(table, ["segment_id"])["segment_id"].to_pylist()) == set(new)
    worded = {key for key, row in _rows(home, DOCUMENTS.name, "segment_id", ["caption"]).items() if row["caption"]}
    text = table_of(resolve("text", "minilm"), "text").name
    assert set(lake.read(text, ["segment_id"])["segment_id"].to_pylist()) == worded
    assert lake.count(TRANSCRIPTS.name) == 2


class Choking(Scripted):
    """Raises what no library should raise, on the first sound track it is given."""

    def transcribe(self, samples: Samples) -> Transcript:
        if not self._sound_s:
            super().transcribe(samples)
            raise RuntimeError("the network choked")
        return super().transcribe(samples)


def test_a_transcriber_that_raises_on_one_film_costs_that_film_alone(home: Home) -> None:
    models = WithScripted(home, 3, [])
    models._scripted = Choking(models.spec("transcriber"), [])
    report = run_stages(home, models=models)["transcripts"]
    assert (report.planned, report.done, len(report.failures)) == (2, 1, 1)
    assert report.failures[0].message == "the network choked"
    assert not report.failures[0].quarantined
    assert run_stages(home, models=models)["transcripts"].done == 1
    assert scope_of(home).failures.all() == []
