"""Estimates: what is told beforehand, where the rates come from, and that telling changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from encoders.efficientnet import shared_backbone
from encoders.registry import resolve
from lake.model_versions import ModelVersions
from lake.planning import Plan
from lake.schema import vectors_table
from lake.store import Lake
from lake.work_log import WorkLog
from media.spec import SegmenterSpec
from settings import Home
from stages.estimate import Cost, Estimate, StageEstimate, estimate
from stages.growth import Growths
from stages.models import Models
from stages.overview import Plans, plan_all
from stages.probe import PROBED_STAGES, SUBJECTS, _sample
from stages.row_bytes import BYTES_BESIDE_A_VECTOR, ENOUGH_ROWS, bytes_each
from tests.lake.samples import vector_batch
from tests.stages.small_lake import ChosenModels, ingested, scope_of

pytestmark = pytest.mark.xdist_group("ingested")

LITE0 = cast(Any, resolve("visual", "conse:efficientnet-lite0"))
OTHER_TEXT = cast(Any, resolve("text", "minilm")).model_copy(update={"max_tokens": 64})
OTHER_CAPTIONER = cast(Any, resolve("captioner", "imagenet_labels")).model_copy(update={"min_score": 0.3})
VISUAL = resolve("visual", "conse")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return ingested().copied_to(tmp_path / "home")


def _models(home: Home, **specs: Any) -> Models:
    return ChosenModels(Lake(home.lake, create=False), home, specs)  # type: ignore[arg-type]


def _estimate(home: Home, models: Models, *, segmenter: SegmenterSpec | None = None, **options: Any) -> Estimate:
    lake = Lake(home.lake, create=False)
    return estimate(lake, models, _plans(home, models, segmenter), cache_dir=home.caches, **options)


def _plans(home: Home, models: Models, segmenter: SegmenterSpec | None = None) -> Plans:
    return plan_all(scope_of(home), models, segmenter or SegmenterSpec())


def _of(found: Estimate, stage: str, version: str | None = None) -> StageEstimate:
    (one,) = [one for one in found.stages if one.stage == stage and version in (None, one.version)]
    return one


def test_where_nothing_is_missing_nothing_costs_anything(home: Home) -> None:
    found = _estimate(home, _models(home))
    assert found.is_empty
    assert found.planned == found.at_most == Cost(0.0, 0, 0.0)
    assert all(stage.rate_per_s is None and not stage.growth.count for stage in found.stages)


def test_the_rate_of_this_version_comes_before_all_others(home: Home) -> None:
    log = WorkLog(Lake(home.lake, create=False))
    log.enter("visual_vectors", VISUAL.version, 900, 0, 1.0, {})
    log.enter("visual_vectors", LITE0.version, 100, 0, 50.0, {})
    stage = _of(_estimate(home, _models(home, visual=LITE0), price_per_hour=10.0), "visual_vectors", LITE0.version)
    assert (stage.rate_per_s, stage.rate_source, stage.rate_version) == (2.0, "measured", LITE0.version)
    assert stage.planned.hours == pytest.approx(3.0 / 3600)
    assert stage.planned.money == pytest.approx(30.0 / 3600)


def test_without_a_probe_the_rate_is_that_of_another_version_and_says_so(home: Home) -> None:
    WorkLog(Lake(home.lake, create=False)).enter("visual_vectors", VISUAL.version, 900, 0, 1.0, {})
    stage = _of(_estimate(home, _models(home, visual=LITE0), may_probe=False), "visual_vectors", LITE0.version)
    assert (stage.rate_per_s, stage.rate_source, stage.rate_version) == (900.0, "another version", VISUAL.version)


def test_what_nobody_knows_is_not_a_number(home: Home) -> None:
    lake = Lake(home.lake, create=False)
    lake.table("work_log").delete("true")
    found = _estimate(home, _models(home, visual=LITE0), may_probe=False, price_per_hour=10.0)
    stage = _of(found, "visual_vectors", LITE0.version)
    assert (stage.rate_per_s, stage.rate_source, stage.rate_version) == (None, "unknown", "")
    assert stage.planned == Cost(None, 6 * (4 * 384 + BYTES_BESIDE_A_VECTOR), None)
    assert found.planned.hours is None
    assert found.to_dict()["planned"] == {"hours": None, "bytes": stage.planned.bytes, "money": None}


def test_a_probe_times_the_model_itself_and_leaves_no_trace(home: Home) -> None:
    lake = Lake(home.lake, create=False)
    shared_backbone.cache_clear()  # as in a new process: no picture has been seen
    before = {path: path.stat().st_mtime_ns for path in home.lake.rglob("*")}
    found = _estimate(home, _models(home, visual=LITE0, captioner=OTHER_CAPTIONER, text=OTHER_TEXT))
    assert {path: path.stat().st_mtime_ns for path in home.lake.rglob("*")} == before
    versions = ModelVersions(lake)
    for stage, spec in (("visual_vectors", LITE0), ("text_vectors", OTHER_TEXT), ("captions", OTHER_CAPTIONER)):
        one = _of(found, stage, spec.version)
        assert (one.rate_source, one.rate_version) == ("probe", spec.version)
        assert 0.01 < (one.rate_per_s or 0) < 100_000
        assert versions.find(spec.version) is None


def test_pictures_that_were_seen_before_say_nothing_about_the_rate(home: Home) -> None:
    WorkLog(Lake(home.lake, create=False)).enter("visual_vectors", VISUAL.version, 9, 0, 1.0, {})
    other = cast(Any, VISUAL).model_copy(update={"top_k": 7})
    shared_backbone.cache_clear()
    first = _of(_estimate(home, _models(home, visual=other)), "visual_vectors", other.version)
    again = _of(_estimate(home, _models(home, visual=other)), "visual_vectors", other.version)
    assert (first.rate_source, again.rate_source) == ("probe", "another version")


def test_a_new_captioner_may_lead_to_new_text_vectors_but_only_where_words_change(home: Home) -> None:
    log = WorkLog(Lake(home.lake, create=False))
    log.enter("text_vectors", resolve("text", "minilm").version, 100, 0, 1.0, {})
    found = _estimate(home, _models(home, captioner=OTHER_CAPTIONER), may_probe=False)
    assert _of(found, "captions").growth.count == 0
    text = _of(found, "text_vectors")
    assert (len(text.plan.todo), text.growth.count, text.growth.earlier) == (0, 6, ("captions",))
    assert text.growth.in_words("text_vectors") == "at most 6 more after captions, only where words change"
    assert text.planned.hours == 0
    assert text.at_most.hours is not None
    assert text.at_most.hours > 0
    assert _of(found, "visual_vectors").growth.count == 0


def test_a_new_segmenter_makes_everything_after_it_a_guess(home: Home) -> None:
    segmenter = SegmenterSpec(adaptive_threshold=2.0)
    found = _estimate(home, _models(home), segmenter=segmenter, may_probe=False)
    segments = _of(found, "segments")
    assert (len(segments.plan.stale), segments.subjects, segments.growth.count) == (3, "videos", 0)
    assert segments.planned.bytes > 0
    for stage in ("captions", "documents", "visual_vectors", "text_vectors"):
        growth = _of(found, stage).growth
        assert (growth.count, growth.is_guess) == (6, True)
        assert growth.in_words(stage) == "about 6 more after segments"
    for stage in ("transcripts", "screen_texts"):
        assert _of(found, stage).growth.count == 0


def test_videos_that_were_never_cut_are_taken_for_average_ones(home: Home) -> None:
    plans = {("segments", "s"): Plan(new=("aa" * 16, "bb" * 16)), ("captions", "c"): Plan()}
    growth = Growths(Lake(home.lake, create=False), plans).of("captions", Plan())
    assert (growth.count, growth.is_guess) == (4, True), "three films have six shots"


def test_a_new_transcriber_touches_the_segments_of_films_with_sound(home: Home) -> None:
    lake = Lake(home.lake, create=False)
    with_sound = lake.read("videos", ["video_id"], "has_audio")["video_id"].to_pylist()
    plans = {("transcripts", "t"): Plan(stale=tuple(with_sound)), ("text_vectors", "v"): Plan()}
    assert Growths(lake, plans).of("text_vectors", Plan()).count == 4
    assert Growths(lake, plans).of("captions", Plan()).count == 0


def test_the_bytes_of_a_vector_are_measured_where_there_are_enough(home: Home) -> None:
    lake = Lake(home.lake, create=False)
    assert bytes_each(lake, "visual_vectors", LITE0) == 4 * 384 + BYTES_BESIDE_A_VECTOR
    other = vectors_table("visual", "other", 16)
    lake.create(other)
    lake.upsert(other, vector_batch(other, "aa", ENOUGH_ROWS, "x"))
    size = sum(path.stat().st_size for path in (home.lake / f"{other.name}.lance").rglob("*") if path.is_file())
    assert bytes_each(lake, "visual_vectors", LITE0) == pytest.approx(4 * 384 + size / ENOUGH_ROWS - 4 * 16)


def test_each_probe_looks_at_another_part_of_a_large_corpus() -> None:
    subjects = [f"{number:04d}" for number in range(1000)]
    samples = [_sample(stage, subjects) for stage in PROBED_STAGES]
    assert {len(sample) for sample in samples} == {SUBJECTS + 1}
    assert len(set().union(*samples)) == len(samples) * (SUBJECTS + 1)
    assert _sample("captions", subjects[:5]) == subjects[:5]


def test_costs_add_up_and_what_is_unknown_stays_unknown() -> None:
    total = Cost(1.0, 10, 2.0) + Cost(0.5, 5, 1.0)
    assert total == Cost(1.5, 15, 3.0)
    assert total + Cost(None, 1, None) == Cost(None, 16, None)
    assert np.isclose((total + Cost()).hours or 0, 1.5)
