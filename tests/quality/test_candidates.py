"""A candidate beside a live version: what lets it go live, and what holds it back while search goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from encoders.canary import Canary
from lake.evaluations import Evaluations
from lake.model_versions import ModelVersions
from lake.releases import Releases
from lake.schema import MODEL_VERSIONS, SEGMENTS, TableSpec, vectors_table
from quality.candidate_gates import GATE_NAMES
from quality.policy import PromotionPolicy
from quality.promotion import NotPromoted, NoWayBack, ReleaseDecision, decide_release, promote, roll_back
from retrieval import open_index
from stages.vectors import table_of
from tests.quality.candidates import (
    BY_PICTURES,
    Candidacy,
    candidacy,
    candidate_spec,
    known_queries,
    live_spec,
    write_queries,
)
from tests.stages.small_lake import ChosenModels, ingested, run_stages, scope_of

pytestmark = pytest.mark.xdist_group("ingested")

CANDIDATE = candidate_spec().version
LIVE = live_spec().version


@pytest.fixture
def case(tmp_path: Path) -> Candidacy:
    return candidacy(tmp_path)


def _live(case: Candidacy) -> str:
    """The visual version that a search answers from now."""
    with open_index(case.home.lake, cache_dir=case.home.caches) as index:
        found = index.search("a window screen")
    assert found.results
    release = Releases(case.lake).live()
    assert found.release_id == release.release_id
    return release.spaces["visual"]


def _rewrite(case: Candidacy, change: Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]) -> None:
    """Replaces the candidate's vectors, past the checks of an upsert."""
    rows = case.lake.snapshot(case.table).to_table().sort_by("segment_id")
    vectors = change(np.stack(rows["vector"].to_numpy(zero_copy_only=False)))
    spec = vectors_table("visual", CANDIDATE, vectors.shape[1])
    _made_anew(case, spec)
    written = rows.drop_columns("vector").append_column(spec.schema.field("vector"), _column(vectors, spec))
    case.lake.snapshot(case.table).insert(written)


def _made_anew(case: Candidacy, spec: TableSpec) -> None:
    lake = case.lake
    lake.drop(spec.name, aside="aside")
    lake.create(spec)


def _column(vectors: np.ndarray[Any, Any], spec: TableSpec) -> Any:
    import pyarrow as pa

    return pa.array(list(vectors.astype(np.float32)), spec.schema.field("vector").type)


def _failed(decision: ReleaseDecision) -> list[str]:
    (judgement,) = decision.judgements
    return [gate.gate for gate in judgement.failed]


def test_a_candidate_that_passes_every_gate_goes_live_with_all_that_explains_it(case: Candidacy) -> None:
    assert _live(case) == LIVE
    decision = case.decide()
    assert decision.made
    assert _live(case) == CANDIDATE
    release = Releases(case.lake).live()
    assert (release.release_id, release.kind, release.predecessor) == (2, "promotion", 1)
    assert release.fusion == BY_PICTURES
    assert [gate["gate"] for gate in release.evidence["gates"]] == list(GATE_NAMES)
    comparison = release.evidence["comparison"]["visual"]
    assert comparison["quality_candidate"]["queries"] == 21
    assert comparison["difference"]["low"] >= -0.05
    assert comparison["changes"]
    context = release.evidence["context"]
    assert context["specs"]["visual"]["top_k"] == 5
    assert context["tables"][case.table]["rows"] == 6
    assert context["policy"]["max_quality_loss"] == 0.05
    assert len(context["policy"]["evaluation_sha256"]) == 64
    assert release.evidence["waived"] == []
    kept = Evaluations(case.lake).newest(CANDIDATE)
    assert {(one.gate, one.passed) for one in kept} == {(name, True) for name in GATE_NAMES}
    assert not case.decide().made, "what is live is no candidate"


def _short(vectors: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    short: np.ndarray[Any, Any] = vectors[:, :-1] / np.linalg.norm(vectors[:, :-1], axis=1, keepdims=True)
    return short


def _doubled(vectors: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return 2 * vectors


def _one_not_a_number(vectors: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    vectors[0, 0] = np.nan
    return vectors


@pytest.mark.parametrize("break_it", [_short, _doubled, _one_not_a_number])
def test_broken_vectors_hold_it_back(
    case: Candidacy, break_it: Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]
) -> None:
    _rewrite(case, break_it)
    decision = case.decide()
    assert not decision.made
    assert "integrity" in _failed(decision)
    assert _live(case) == LIVE
    kept = {one.gate: one for one in Evaluations(case.lake).newest(CANDIDATE)}
    assert set(kept) == set(GATE_NAMES)
    assert not kept["integrity"].passed
    assert "integrity: " in decision.reason


def test_answers_that_are_worse_hold_it_back(case: Candidacy) -> None:
    _rewrite(case, lambda vectors: -vectors)
    decision = case.decide()
    assert _failed(decision) == ["retrieval"]
    (judgement,) = decision.judgements
    assert (judgement.gates[-1].measured or 0) < -0.05
    assert judgement.comparison is not None
    assert judgement.comparison.first_changed > 0.5
    assert _live(case) == LIVE
    assert case.decide(PromotionPolicy(evaluation=case.policy.evaluation, max_quality_loss=1.0)).made


def test_another_canary_holds_it_back(case: Candidacy) -> None:
    lake = case.lake
    (mine, others) = (ModelVersions(lake).find(version) for version in (CANDIDATE, LIVE))
    assert mine
    assert others
    forged = Canary(CANDIDATE, {"queries": Canary.from_dict(others.canary).parts["queries"][::-1].copy()})
    lake.delete(MODEL_VERSIONS.name, "version", [CANDIDATE])
    ModelVersions(lake).register(type(mine)(mine.version, mine.role, mine.space, mine.spec, mine.dim, forged.to_dict()))
    decision = case.decide()
    assert not decision.made
    assert "canary" in _failed(decision)
    assert "canary part" in decision.reason
    assert _live(case) == LIVE


def test_a_candidate_that_fills_is_not_judged(case: Candidacy) -> None:
    lost = case.lake.read(case.table, ["segment_id"])["segment_id"].to_pylist()[:4]
    case.lake.delete(case.table, "segment_id", lost)
    decision = case.decide()
    assert not decision.made
    assert f"{CANDIDATE} is filling: 33 %" in decision.reason
    assert _live(case) == LIVE
    assert Evaluations(case.lake).newest(CANDIDATE) == []
    live_gates = Releases(case.lake).live().evidence["gates"]
    assert [gate.to_dict() for gate in decision.gates] == list(live_gates), "those of what is searched"
    with pytest.raises(NotPromoted, match="backfill"):
        _promote(case, waive=GATE_NAMES)


def _promote(case: Candidacy, policy: PromotionPolicy | None = None, **how: Any) -> ReleaseDecision:
    models, fusion = case.models(), {**BY_PICTURES}
    return promote(scope_of(case.home), models, fusion, policy or case.policy, space="visual", **how)


def test_what_has_just_come_does_not_hold_a_covered_candidate_back(case: Candidacy) -> None:
    rows = case.lake.read(SEGMENTS.name, SEGMENTS.schema.names).to_pylist()
    case.lake.upsert(SEGMENTS, [{**rows[0], "segment_id": f"{rows[0]['video_id']}-90000-91000"}])
    assert case.decide().made


def test_without_known_answers_only_a_person_can_promote_and_it_is_remembered(case: Candidacy, tmp_path: Path) -> None:
    silent = PromotionPolicy()
    decision = case.decide(silent)
    assert _failed(decision) == ["retrieval"]
    assert "promotion.evaluation in reelindex.toml" in decision.reason
    assert "reelindex promote --waive retrieval" in decision.reason

    few = write_queries(tmp_path / "few.csv", [("rings", ingested().films / "a.mp4"), ("x", tmp_path / "gone.mp4")])
    decision = case.decide(PromotionPolicy(evaluation=few))
    assert "1 of its queries name a video of this lake; 20 are needed" in decision.reason

    decision = case.decide(PromotionPolicy(evaluation=tmp_path / "missing.csv"))
    assert "missing.csv: it cannot be read" in decision.reason

    with pytest.raises(NotPromoted, match="--waive retrieval"):
        _promote(case, silent)
    with pytest.raises(NotPromoted, match="no gate retreival"):
        _promote(case, silent, waive=["retreival"])
    assert _live(case) == LIVE
    made = _promote(case, silent, waive=["retrieval"], reason="seen with my own eyes")
    assert made.release
    assert made.release.evidence["waived"] == ["retrieval"]
    assert "seen with my own eyes" in made.release.reason
    assert _live(case) == CANDIDATE
    with pytest.raises(NotPromoted, match="live already"):
        _promote(case, silent)


def test_a_policy_that_is_not_automatic_judges_and_waits(case: Candidacy, monkeypatch: pytest.MonkeyPatch) -> None:
    by_hand = PromotionPolicy(automatic=False, evaluation=case.policy.evaluation)
    decision = case.decide(by_hand)
    assert (decision.made, _failed(decision)) == (False, [])
    assert "waits for `reelindex promote`" in decision.reason

    monkeypatch.setattr("encoders.canary.compute", _not_again)
    again = case.decide(by_hand)
    assert again.judgements[0].gates == decision.judgements[0].gates
    assert again.judgements[0].comparison == decision.judgements[0].comparison, "the report is there as before"
    assert _promote(case, by_hand).made


def _not_again(*arguments: object) -> None:
    raise AssertionError("it was asked before, in the same state of things")


def test_a_gate_that_crashed_is_asked_again(case: Candidacy, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("encoders.registry.load", _no_memory)
        decision = case.decide()
    assert "canary" in _failed(decision)
    assert "MemoryError: no room" in decision.reason
    assert _live(case) == LIVE
    assert case.decide().made


def _no_memory(*arguments: object, **options: object) -> None:
    raise MemoryError("no room")


def test_the_way_back_takes_less_than_a_second_and_is_not_undone_by_itself(case: Candidacy) -> None:
    case.decide()
    with open_index(case.home.lake, cache_dir=case.home.caches) as index:
        assert index.search("a spiral").release_id == 2
        started = time.perf_counter()
        release = roll_back(case.lake, reason="it finds no spirals")
        assert time.perf_counter() - started < 1
        assert index.search("a spiral").release_id == 3, "the next query uses it"
    assert (release.kind, release.spaces["visual"], release.evidence["rolled_back_to"]) == ("rollback", LIVE, 1)
    decision = case.decide()
    assert not decision.made
    assert f"{CANDIDATE} was rolled back and waits for `reelindex promote`" in decision.reason
    assert _live(case) == LIVE
    with pytest.raises(NoWayBack, match="no release before"):
        roll_back(case.lake)
    assert _promote(case).made
    assert _live(case) == CANDIDATE


def test_there_is_no_way_back_to_what_was_dropped(case: Candidacy) -> None:
    case.decide()
    case.lake.drop(vectors_table("visual", LIVE, 1).name, aside="aside")
    with pytest.raises(NoWayBack, match="has been dropped"):
        roll_back(case.lake)
    assert _live(case) == CANDIDATE


def test_a_candidate_of_a_space_without_subjects_is_released_too(tmp_path: Path) -> None:
    case = candidacy(tmp_path)
    lake = case.lake
    for table in (name for name in lake.vectors_tables() if "text" in name):
        lake.table(table).delete("true")
    lake.table("documents").delete("true")
    text = live_text().model_copy(update={"max_tokens": 64})
    models = ChosenModels(lake, case.home, {"text": text})
    decision = promote(scope_of(case.home), models, BY_PICTURES, case.policy, space="text", cache_dir=case.home.caches)
    assert decision.made
    assert ModelVersions(lake).find(text.version) is not None
    with open_index(case.home.lake, cache_dir=case.home.caches) as index:
        assert index.search("a spiral").results


def live_text() -> Any:
    from encoders.registry import resolve

    return resolve("text", "minilm")


def test_the_fusion_of_the_release_to_be_is_what_is_measured(case: Candidacy) -> None:
    by_hand = PromotionPolicy(automatic=False, evaluation=case.policy.evaluation)
    (by_pictures,) = case.decide(by_hand).judgements
    (by_captions,) = case.decide(by_hand, {**BY_PICTURES, "visual": 0.0, "caption": 1.0}).judgements
    assert by_pictures.comparison
    assert by_captions.comparison
    assert by_pictures.comparison.quality_candidate != by_captions.comparison.quality_candidate
    assert by_pictures.comparison.quality_live == by_captions.comparison.quality_live


def test_of_two_candidates_the_one_that_fills_does_not_hold_the_other_back(case: Candidacy) -> None:
    text = live_text().model_copy(update={"max_tokens": 64})
    models = ChosenModels(case.lake, case.home, {"visual": candidate_spec(), "text": text})
    run_stages(case.home, models=models)
    fusion = {**BY_PICTURES, "text": 0.1}
    texts = table_of(text, "text").name
    case.lake.delete(texts, "segment_id", case.lake.read(texts, ["segment_id"])["segment_id"].to_pylist()[:1])

    decision = decide_release(scope_of(case.home), models, fusion, case.policy, cache_dir=case.home.caches)
    assert decision.release
    assert dict(decision.release.spaces) == {"visual": CANDIDATE, "text": live_text().version}
    assert [judgement.is_filling for judgement in decision.judgements] == [False, True]


def test_two_covered_candidates_go_live_together(case: Candidacy) -> None:
    text = live_text().model_copy(update={"max_tokens": 64})
    models = ChosenModels(case.lake, case.home, {"visual": candidate_spec(), "text": text})
    run_stages(case.home, models=models)
    decision = decide_release(scope_of(case.home), models, {**BY_PICTURES, "text": 0.1}, case.policy)
    assert decision.release
    assert decision.release.release_id == 2
    assert dict(decision.release.spaces) == {"visual": CANDIDATE, "text": text.version}
    assert set(decision.release.evidence["comparison"]) == {"visual", "text"}
    assert len(decision.gates) == 2 * len(GATE_NAMES)


def test_a_rewrite_of_the_vectors_is_judged_anew(case: Candidacy) -> None:
    by_hand = PromotionPolicy(automatic=False, evaluation=known_queries(case.home.folder.parent))
    assert _failed(case.decide(by_hand)) == []
    _rewrite(case, _doubled)
    assert "integrity" in _failed(case.decide(by_hand))
