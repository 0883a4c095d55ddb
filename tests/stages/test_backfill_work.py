"""What a backfill computes: what a change asks for, no more, in whatever portions, while search goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from encoders.efficientnet import shared_backbone
from encoders.family import ModelSpec, Role
from encoders.registry import resolve
from kernel.identity import video_id_of
from lake.schema import CAPTIONS, DOCUMENTS, SEGMENTS, Space
from lake.store import Lake
from media.spec import SegmenterSpec
from retrieval import Index, open_index
from settings import Home
from stages.allowance import Allowance, Reach
from stages.captions import caption_segments
from stages.documents import write_documents
from stages.files import scan
from stages.overview import plan_all
from stages.report import StageReport
from stages.scope import Scope
from stages.segments import cut_segments
from stages.transcripts import transcribe_videos
from stages.vectors import embed_segments, table_of
from stages.videos import probe_videos
from tests.stages.small_lake import (
    ChosenModels,
    distinct_pictures,
    ingested,
    scope_of,
    shared_workers,
    write_pictures,
)

pytestmark = pytest.mark.xdist_group("ingested")

SHOTS = 6
WITH_WORDS = 5
PORTION = 2
SHOWN = {"a maze": "a.mp4", "a window screen": "b.mp4", "a doormat": "c.mp4"}
"""What is in each film of `ingested`, in words that find it."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return ingested().copied_to(tmp_path / "home")


def _lake(home: Home) -> Lake:
    return Lake(home.lake, create=False)


def _vectors(home: Home, space: Space, spec: ModelSpec) -> pa.Table:
    return _lake(home).snapshot(table_of(spec, space).name).to_table().sort_by("segment_id")


def _texts(home: Home, table: str, column: str) -> dict[str, str]:
    return {row["segment_id"]: row[column] for row in _lake(home).read(table, ["segment_id", column]).to_pylist()}


def _in_a_new_process(home: Home, **specs: ModelSpec) -> ChosenModels:
    """Models that have seen no picture."""
    shared_backbone.cache_clear()
    chosen: Mapping[Role, ModelSpec] = specs  # type: ignore[assignment]
    return ChosenModels(_lake(home), home, chosen)


def _scope(home: Home, *, reach: Reach = Reach.EVERYTHING, allowance: Allowance | None = None) -> Scope:
    return replace(scope_of(home), reach=reach, allowance=allowance or Allowance())


def _each_stage(
    scope: Scope, models: ChosenModels, home: Home, segmenter: SegmenterSpec | None = None
) -> Iterator[StageReport]:
    """Runs every stage, and stops after each."""
    workers = shared_workers()
    yield probe_videos(scope, workers)
    yield cut_segments(scope, workers, segmenter or SegmenterSpec())
    yield transcribe_videos(scope, workers, models, home.scratch)
    yield caption_segments(scope, models)
    yield write_documents(scope)
    yield from embed_segments(scope, models, "visual")
    yield from embed_segments(scope, models, "text")


def _work(reports: list[StageReport]) -> dict[str, float]:
    """Everything that was counted, over all stages."""
    total: dict[str, float] = {}
    for report in reports:
        for name, amount in report.work.items():
            total[name] = total.get(name, 0) + amount
    return {name: amount for name, amount in total.items() if amount}


def _found(index: Index) -> dict[str, str]:
    """The film that each of the known queries finds first."""
    return {query: Path(index.search(query, limit=1).results[0].uri).name for query in SHOWN}


def test_another_visual_model_sees_each_stored_picture_once_and_nothing_else_is_done(home: Home) -> None:
    candidate, live = resolve("visual", "conse:efficientnet-lite0"), resolve("visual", "conse")
    before = _vectors(home, "visual", live)
    tables = {name: _lake(home).table(name).version for name in (SEGMENTS.name, CAPTIONS.name, DOCUMENTS.name)}
    models = _in_a_new_process(home, visual=candidate)
    # A class sentence that is not in the cache is read once, at the first use of a classifier here.
    list(models.visual(candidate).embed_segments([]))
    reports = list(_each_stage(_scope(home), models, home))
    assert _work(reports) == {"vectors": SHOTS, "images_forwarded": distinct_pictures(_lake(home))}
    assert models.loaded == (candidate.version,)
    assert _vectors(home, "visual", live).equals(before)
    assert {name: _lake(home).table(name).version for name in tables} == tables, "not one commit elsewhere"
    assert _vectors(home, "visual", candidate)["segment_id"].equals(before["segment_id"])


def test_another_captioner_that_says_the_same_costs_captions_alone(home: Home) -> None:
    captioner = resolve("captioner", "imagenet_labels").model_copy(update={"min_score": 0.26})
    said, vectors = _texts(home, CAPTIONS.name, "text"), _vectors(home, "text", resolve("text", "minilm"))
    models = _in_a_new_process(home, captioner=captioner)
    reports = list(_each_stage(_scope(home), models, home))
    assert _work(reports) == {"segments_captioned": SHOTS, "images_forwarded": distinct_pictures(_lake(home))}
    assert models.loaded == (captioner.version,)
    assert _texts(home, CAPTIONS.name, "text") == said
    assert set(_texts(home, CAPTIONS.name, "version").values()) == {captioner.version}
    assert _vectors(home, "text", resolve("text", "minilm")).equals(vectors)


def test_another_captioner_in_portions_makes_only_the_vectors_whose_words_changed(home: Home) -> None:
    captioner = resolve("captioner", "imagenet_labels").model_copy(update={"min_score": 0.34})
    said, text = _texts(home, CAPTIONS.name, "text"), resolve("text", "minilm")
    before = {row["segment_id"]: row for row in _vectors(home, "text", text).to_pylist()}
    models = _in_a_new_process(home, captioner=captioner)
    runs = [list(_each_stage(_scope(home, allowance=Allowance(PORTION)), models, home)) for _ in range(4)]
    assert [_work(run).get("segments_captioned", 0) for run in runs] == [2, 2, 2, 0]
    now = _texts(home, CAPTIONS.name, "text")
    changed = {segment_id for segment_id, words in said.items() if now[segment_id] != words}
    assert 0 < len(changed) < len(said) / 2, "the example must leave most as they were"
    assert sum(_work(run).get("documents", 0) for run in runs) == len(changed)
    silent = {segment_id for segment_id in changed if not now[segment_id]}
    assert sum(_work(run).get("vectors", 0) for run in runs) == len(changed - silent)
    after = {row["segment_id"]: row for row in _vectors(home, "text", text).to_pylist()}
    assert after.keys() == before.keys() - silent
    assert all(after[segment_id] == before[segment_id] for segment_id in after.keys() - changed)
    assert _work(runs[-1]) == {}


@pytest.mark.parametrize("most", [None, PORTION])
def test_another_segmenter_decodes_each_video_once_and_every_film_is_found_all_the_time(
    home: Home, most: int | None
) -> None:
    segmenter, models = SegmenterSpec(max_segment_s=1.0), _in_a_new_process(home)
    former = set(_texts(home, SEGMENTS.name, "version"))
    reports: list[StageReport] = []
    with open_index(home.lake, cache_dir=home.caches) as index:
        assert _found(index) == SHOWN
        while not _is_complete(home, models, segmenter):
            assert len(reports) < 200, "it gets nowhere"
            for report in _each_stage(_scope(home, allowance=Allowance(most)), models, home, segmenter):
                reports.append(report)
                assert _found(index) == SHOWN, f"after {report.stage}, with {len(reports)} stages run"
    work, segments = _work(reports), set(_texts(home, SEGMENTS.name, "version"))
    assert not former & segments
    assert work["videos_decoded"] == len(SHOWN)
    assert "videos_transcribed" not in work
    assert work["segments_captioned"] == len(segments)
    assert set(_texts(home, CAPTIONS.name, "text")) == set(_texts(home, DOCUMENTS.name, "caption")) == segments
    visual = _vectors(home, "visual", resolve("visual", "conse"))["segment_id"].to_pylist()
    assert sorted(visual) == sorted(segments)
    per_stage = [report.done for report in reports if report.stage in ("captions", "visual_vectors", "text_vectors")]
    assert most is None or max(per_stage) <= most


def _is_complete(home: Home, models: ChosenModels, segmenter: SegmenterSpec | None = None) -> bool:
    return all(plan.is_empty for plan in plan_all(scope_of(home), models, segmenter or SegmenterSpec()).values())


def test_a_film_that_comes_in_mid_backfill_is_done_in_both_versions_and_the_backlog_waits(
    home: Home, tmp_path: Path
) -> None:
    candidate, live = resolve("visual", "conse").model_copy(update={"top_k": 5}), resolve("visual", "conse")
    models = _in_a_new_process(home, visual=candidate)
    list(_each_stage(_scope(home, allowance=Allowance(PORTION)), models, home))
    half = set(_vectors(home, "visual", candidate)["segment_id"].to_pylist())
    assert len(half) == PORTION
    before = set(_vectors(home, "visual", live)["segment_id"].to_pylist())

    film = write_pictures(tmp_path / "new.mp4", ["rings", "red", "grid"])
    scope = _scope(home, reach=Reach.NEW)
    scan(scope, [film])
    models = _in_a_new_process(home, visual=candidate)
    reports = list(_each_stage(scope, models, home))
    of_film = {
        segment_id for segment_id in _texts(home, SEGMENTS.name, "version") if segment_id.startswith(video_id_of(film))
    }
    assert len(of_film) == 3
    done = {(report.stage, report.version): report.done for report in reports if report.stage == "visual_vectors"}
    assert done == {("visual_vectors", candidate.version): 3, ("visual_vectors", live.version): 3}
    assert _work(reports)["images_forwarded"] == 3, "once each: the captioner and both versions share what was seen"
    filled = _vectors(home, "visual", candidate)["segment_id"].to_pylist()
    assert sorted(filled) == sorted(half | of_film)
    assert sorted(_vectors(home, "visual", live)["segment_id"].to_pylist()) == sorted(before | of_film)
    again = list(_each_stage(_scope(home, reach=Reach.NEW), _in_a_new_process(home, visual=candidate), home))
    assert _work(again) == {}, "an ingest leaves the backlog alone, however often it runs"

    rest = list(_each_stage(_scope(home), _in_a_new_process(home, visual=candidate), home))
    assert _work(rest) == {"vectors": SHOTS - PORTION, "images_forwarded": SHOTS - PORTION}


def test_portions_lead_to_the_vectors_of_one_run(home: Home, tmp_path: Path) -> None:
    candidate = resolve("visual", "conse").model_copy(update={"top_k": 5})
    at_once = ingested().copied_to(tmp_path / "at once")
    list(_each_stage(_scope(at_once), _in_a_new_process(at_once, visual=candidate), at_once))
    sizes = []
    while not _is_complete(home, models := _in_a_new_process(home, visual=candidate)):
        reports = list(_each_stage(_scope(home, allowance=Allowance(PORTION)), models, home))
        sizes.append(_work(reports))
    assert sizes == [{"vectors": PORTION, "images_forwarded": PORTION}] * (SHOTS // PORTION)
    portions, whole = _vectors(home, "visual", candidate), _vectors(at_once, "visual", candidate)
    assert portions.drop_columns("vector").equals(whole.drop_columns("vector"))
    mine, other = (np.stack(table["vector"].to_numpy()) for table in (portions, whole))
    np.testing.assert_allclose(mine, other, atol=1e-5)


@pytest.mark.parametrize("role", ["visual", "captioner", "segmenter"])
def test_after_the_deadline_nothing_is_begun(home: Home, role: str) -> None:
    changed: dict[str, Any] = {
        "visual": {"visual": resolve("visual", "conse").model_copy(update={"top_k": 5})},
        "captioner": {"captioner": resolve("captioner", "imagenet_labels").model_copy(update={"min_score": 0.34})},
        "segmenter": {},
    }
    segmenter = SegmenterSpec(max_segment_s=1.0 if role == "segmenter" else 10.0)
    models = _in_a_new_process(home, **changed[role])
    late = Allowance(deadline=time.time() - 1)
    reports = list(_each_stage(_scope(home, allowance=late), models, home, segmenter))
    assert sum(report.planned for report in reports) > 0
    assert (_work(reports), sum(report.done + report.removed for report in reports)) == ({}, 0)
    assert not _is_complete(home, models, segmenter)
