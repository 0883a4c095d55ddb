"""The commands of a version's life: plan, models, promote, rollback, drop."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from encoders.efficientnet import shared_backbone
from encoders.registry import resolve
from lake.model_versions import ModelVersion, ModelVersions
from lake.releases import Releases
from lake.schema import vectors_table, vectors_table_name
from lake.store import Lake
from retrieval import open_index
from settings import Home
from tests.orchestration.command import Called, reelindex_here
from tests.stages.small_lake import ChosenModels, ingested, run_stages

pytestmark = pytest.mark.xdist_group("ingested")

OLD = resolve("visual", "conse").version
LITE0 = "conse:efficientnet-lite0"
NEW = resolve("visual", LITE0).version
TEXT = resolve("text", "minilm").version
WAIVED = ("--waive", "retrieval")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return ingested().copied_to(tmp_path / "home")


@pytest.fixture
def changed(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home after one line of the settings changed: another visual model, of which nothing is there yet."""
    monkeypatch.setenv("REELINDEX_MODELS__VISUAL", LITE0)
    monkeypatch.setenv("REELINDEX_MEDIA__WORKERS", "1")
    shared_backbone.cache_clear()  # as in a new process: no picture has been seen
    return home


@pytest.fixture
def filled(changed: Home) -> Home:
    """The same home after the stages have run: a candidate that has everything."""
    run_stages(changed, models=ChosenModels(_lake(changed), changed, {"visual": resolve("visual", LITE0)}))
    return changed


def _lake(home: Home) -> Lake:
    return Lake(home.lake, create=False)


def _models(home: Home) -> dict[str, dict[str, Any]]:
    return {row["version"]: row for row in reelindex_here("models", "--json", home=home).document}


def _promoted(home: Home) -> Called:
    called = reelindex_here("promote", *WAIVED, "--reason", "test", "--json", home=home)
    assert called.exit_code == 0, called.out + called.err
    return called


def _tables_of(home: Home) -> dict[str, int]:
    lake = _lake(home)
    names = [path.stem for path in home.lake.glob("*.lance") if path.is_dir()]
    return {name: lake.table(name).version for name in names}


def test_models_of_an_ingested_home_are_all_live_or_in_use(home: Home) -> None:
    rows = _models(home)
    fields = {"version", "role", "space", "configured", "registered", "state", "done", "wanted", "coverage", "rows"}
    for row in rows.values():
        assert set(row) == fields | {"bytes", "dim", "created_at", "waits_for"}
        assert row["configured"]
        assert row["registered"]
        assert row["coverage"] == 1.0
        assert row["waits_for"] == []
    assert {row["role"]: row["state"] for row in rows.values()} == {
        "visual": "live",
        "text": "live",
        "captioner": "in use",
        "transcriber": "in use",
    }
    visual = rows[OLD]
    folder = home.lake / f"{vectors_table_name('visual', OLD)}.lance"
    assert visual["bytes"] == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert (visual["rows"], visual["done"], visual["wanted"], visual["dim"]) == (6, 6, 6, 384)
    text = reelindex_here("models", home=home)
    assert text.exit_code == 0
    assert OLD in text.out
    assert "waits for" not in text.out


def test_a_changed_line_is_listed_before_anything_is_loaded(changed: Home) -> None:
    before = _tables_of(changed)
    rows = _models(changed)
    assert (rows[NEW]["state"], rows[NEW]["registered"], rows[NEW]["done"], rows[NEW]["wanted"]) == (
        "candidate",
        False,
        0,
        6,
    )
    assert rows[NEW]["waits_for"] == ["6 vectors: `reelindex backfill`"]
    assert (rows[OLD]["state"], rows[OLD]["configured"], rows[OLD]["coverage"]) == ("live", False, 1.0)
    assert _tables_of(changed) == before
    assert f"{NEW} waits for 6 vectors" in reelindex_here("models", home=changed).out


def test_a_plan_tells_what_a_changed_line_costs_and_changes_nothing(changed: Home) -> None:
    before = _tables_of(changed)
    document = reelindex_here("plan", "--json", "--price-per-hour", "3600", home=changed).document
    assert _tables_of(changed) == before, "nothing is registered, nothing is written"
    assert set(document) == {"price_per_hour", "planned", "at_most", "stages"}
    stages = {(stage["stage"], stage["version"]): stage for stage in document["stages"]}
    assert {stage["new"] + stage["stale"] for key, stage in stages.items() if key[1] != NEW} == {0}
    candidate = stages["visual_vectors", NEW]
    assert set(candidate) == {
        "stage",
        "version",
        "subjects",
        "new",
        "stale",
        "orphaned",
        "current",
        "may_grow_by",
        "grows_with",
        "growth",
        "rate_per_s",
        "rate_source",
        "rate_version",
        "planned",
        "at_most",
    }
    assert (candidate["new"], candidate["current"], candidate["subjects"]) == (6, 0, "segments")
    assert (candidate["rate_source"], candidate["rate_version"]) == ("probe", NEW)
    seconds = 6 / candidate["rate_per_s"]
    assert candidate["planned"]["hours"] == pytest.approx(seconds / 3600)
    assert candidate["planned"]["money"] == pytest.approx(seconds)
    assert candidate["planned"]["bytes"] == 6 * (4 * 384 + 120)
    assert document["planned"] == candidate["planned"] == document["at_most"]


def test_a_plan_without_a_probe_loads_no_model_and_says_what_to_do_next(
    changed: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REELINDEX_BACKFILL__WINDOW", "22:00-06:00")
    monkeypatch.setattr("encoders.registry.load", _refuse)
    called = reelindex_here("plan", "--no-probe", home=changed)
    assert called.exit_code == 0, called.err
    assert "the daemon does it between 22:00-06:00; `reelindex backfill` does it now" in called.out
    monkeypatch.setenv("REELINDEX_BACKFILL__AUTOMATIC", "false")
    assert "Next: `reelindex backfill` does it" in reelindex_here("plan", "--no-probe", home=changed).out


def _refuse(*arguments: object, **options: object) -> None:
    raise AssertionError("a model was loaded")


def test_a_plan_of_nothing_says_so(home: Home) -> None:
    called = reelindex_here("plan", home=home)
    assert (called.exit_code, called.out.splitlines()[-1]) == (0, "Nothing to do.")
    assert reelindex_here("plan", "--json", home=home).document["planned"] == {"hours": 0.0, "bytes": 0, "money": 0.0}


def test_a_candidate_that_still_fills_is_not_promoted(changed: Home) -> None:
    called = reelindex_here("promote", "visual", "--waive", "coverage", "--json", home=changed)
    assert called.exit_code == 1
    document = called.document
    assert not document["promoted"]
    assert [gate["gate"] for gate in document["gates"]] == ["coverage"]
    assert "reelindex backfill" in document["reason"]
    assert Releases(_lake(changed)).live().release_id == 1


def test_a_refused_promotion_lists_the_gates_and_a_waived_one_is_remembered(filled: Home) -> None:
    refused = reelindex_here("promote", home=filled)
    assert refused.exit_code == 1
    assert "retrieval" in refused.err
    assert "NO" in refused.out
    assert Releases(_lake(filled)).live().release_id == 1
    assert any(sentence.startswith("retrieval: ") for sentence in _models(filled)[NEW]["waits_for"])

    document = _promoted(filled).document
    live = Releases(_lake(filled)).live()
    assert (document["promoted"], document["release"], document["version"]) == (True, 2, NEW)
    assert live.spaces == {"visual": NEW, "text": TEXT}
    assert live.evidence["waived"] == ["retrieval"]
    assert {gate["gate"]: gate["passed"] for gate in document["gates"]}["retrieval"] is False
    assert {version: row["state"] for version, row in _models(filled).items() if row["space"]} == {
        NEW: "live",
        OLD: "retired",
        TEXT: "live",
    }


def test_names_that_there_are_not_are_bad_usage(filled: Home) -> None:
    for arguments in (("smell",), ("visual", "--waive", "luck")):
        called = reelindex_here("promote", *arguments, home=filled)
        assert called.exit_code == 2
        assert arguments[-1] in called.err


def test_there_must_be_something_to_promote(home: Home) -> None:
    called = reelindex_here("promote", home=home)
    assert called.exit_code == 1
    assert "live already" in called.err
    assert reelindex_here("promote", "visual", home=home).exit_code == 1


def test_a_rollback_is_at_once_and_is_not_undone_by_itself(filled: Home) -> None:
    _promoted(filled)
    began = time.monotonic()
    called = reelindex_here("rollback", "--reason", "worse", home=filled)
    took_s = time.monotonic() - began
    assert called.exit_code == 0, called.err
    assert took_s < 1.0
    assert f"visual: {OLD}" in called.out
    assert f"{NEW} is kept, and goes live again only by `reelindex promote`." in called.out
    assert Releases(_lake(filled)).live().spaces["visual"] == OLD
    assert _models(filled)[NEW]["waits_for"] == [
        "somebody: it was rolled back (`reelindex promote` takes it all the same)"
    ]
    again = reelindex_here("rollback", "--to", "2", "--json", home=filled).document
    assert (again["release"], again["was"], again["spaces"]["visual"]) == (4, 3, NEW)


def test_there_is_no_way_back_from_the_first_release_nor_to_a_dropped_version(filled: Home) -> None:
    assert reelindex_here("rollback", home=filled).exit_code == 1
    _promoted(filled)
    assert reelindex_here("drop", OLD, "--yes", home=filled).exit_code == 0
    called = reelindex_here("rollback", home=filled)
    assert called.exit_code == 1
    assert f"needs {OLD}, which has been dropped" in called.err
    assert Releases(_lake(filled)).live().spaces["visual"] == NEW


def test_drop_asks_first_and_refuses_what_is_searched(filled: Home) -> None:
    table = vectors_table_name("visual", NEW)
    for typed in ("n\n", ""):
        assert reelindex_here("drop", NEW, home=filled, typed=typed).exit_code == 1
        assert _lake(filled).has_table(table)
    refused = reelindex_here("drop", OLD, "--yes", home=filled)
    assert refused.exit_code == 1
    assert "it is live" in refused.err
    asked = reelindex_here("drop", NEW, "--json", home=filled, typed="y\n")
    assert asked.exit_code == 0
    assert "a backfill will make it again" in asked.err
    assert asked.document["rows"] == 6
    assert asked.document["freed_bytes"] > 6 * 4 * 384
    assert not _lake(filled).has_table(table)


def test_searches_go_on_while_versions_go_live_retire_and_are_dropped(filled: Home) -> None:
    query = "striped cloth"
    with open_index(filled.lake, cache_dir=filled.caches) as index:

        def answers() -> tuple[int, list[str]]:
            found = index.search(query, legs=["visual"])
            return found.release_id, [result.segment_id for result in found.results]

        first = answers()
        _promoted(filled)
        second = answers()
        assert (first[0], second[0]) == (1, 2)
        assert first[1]
        assert second[1]
        assert reelindex_here("drop", OLD, "--yes", home=filled).exit_code == 0
        assert answers() == second
        # Made again under its old name, it is another table; whoever searched it before reads the new one.
        run_stages(filled, models=ChosenModels(_lake(filled), filled, {"visual": resolve("visual", "conse")}))
        assert reelindex_here("rollback", "--to", "1", home=filled).exit_code == 0
        third = answers()
        assert (third[0], third[1]) == (3, first[1])


def test_a_promotion_drops_what_has_been_retired_long_enough(filled: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELINDEX_PROMOTION__KEEP_RETIRED", "1")
    _never_searched_again(filled, "conse-of-old")
    document = _promoted(filled).document
    assert [dropped["version"] for dropped in document["dropped"]] == ["conse-of-old"]
    assert document["dropped"][0]["freed_bytes"] > 0
    rows = _models(filled)
    assert {version: rows[version]["state"] for version in ("conse-of-old", OLD, NEW)} == {
        "conse-of-old": "dropped",
        OLD: "retired",
        NEW: "live",
    }


def _never_searched_again(home: Home, version: str) -> None:
    """Writes a version that was live once, before the one that is."""
    lake = _lake(home)
    ModelVersions(lake).register(ModelVersion(version, "visual", "visual", {}, 4, {}))
    lake.create(vectors_table("visual", version, 4))
    releases = Releases(lake)
    live = releases.live()
    for spaces in ({**live.spaces, "visual": version}, live.spaces):
        releases.append(
            kind="promotion", spaces=spaces, fusion=live.fusion, evidence={}, reason="test", after=releases.live()
        )
