from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest

from encoders.registry import resolve
from lake.failures import Failures
from lake.store import Lake
from settings import Home
from stages.scope import Scope
from stages.videos import plan_videos
from tests.orchestration.command import Called, eventful, reelindex_here
from tests.stages.small_lake import ingested

pytestmark = pytest.mark.xdist_group("ingested")

VISUAL, TEXT = resolve("visual", "conse").version, resolve("text", "minilm").version
ESCAPE = "\x1b"


@pytest.fixture
def copied(tmp_path: Path) -> Home:
    shutil.copytree(eventful().home.folder, tmp_path / "home")
    return Home(tmp_path / "home")


def test_ingest_tells_what_was_done_and_what_failed() -> None:
    called = eventful().called
    assert called.exit_code == 3, "done, but some subjects failed"
    document = called.document
    assert set(document) == {
        "run_id",
        "release",
        "duration_s",
        "stages",
        "work",
        "quarantine",
        "ignored",
        "left_to_backfill",
        "checks",
        "failures",
    }
    for stage in document["stages"]:
        assert {"stage", "version", "planned", "done", "skipped", "failed", "work"} <= set(stage)
    checks = {(check["asset"], check["name"]): check for check in document["checks"]}
    assert checks["segments", "partition"]["passed"]
    assert checks["release", "visual_integrity"]["passed"]
    messages = [failure["message"] for failure in document["failures"]]
    assert len(messages) == 2
    assert any(message.startswith("cut off.mp4: not a video") for message in messages)
    assert any("dead link.mp4" in message for message in messages)
    assert document["failures"][0]["uri"] == str(eventful().films / "cut off.mp4")
    assert document["quarantine"] == 1


def test_an_ingest_of_nothing_but_a_broken_film_names_it_and_why_there_is_no_release(tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"not a video " * 20)
    home = Home(tmp_path / "home")
    first = reelindex_here("ingest", tmp_path / "broken.mp4", home=home)
    assert first.exit_code == 3
    assert "broken.mp4: not a video" in first.err
    assert "Not searchable: no release: visual coverage: there is nothing to embed yet" in first.out
    assert "In quarantine: 1" in first.out
    again = reelindex_here("ingest", tmp_path / "broken.mp4", home=home)
    assert again.exit_code == 0
    assert "Nothing to do" in again.out
    assert "In quarantine: 1" in again.out
    search = reelindex_here("search", "a maze", home=home)
    assert search.exit_code == 1
    assert search.err.startswith("error: ")
    assert "nothing has been released yet" in search.err
    assert ESCAPE not in first.out + first.err + again.out + search.err


def test_status_tells_the_versions_and_what_is_missing() -> None:
    called = reelindex_here("status", "--json", home=eventful().home)
    assert called.exit_code == 0
    document = called.document
    assert set(document) == {"videos", "segments", "live_release", "versions", "missing", "quarantine", "last_run"}
    assert (document["videos"], document["segments"], document["live_release"], document["quarantine"]) == (4, 9, 1, 1)
    assert document["versions"] == {
        VISUAL: {"space": "visual", "state": "live", "done": 9, "wanted": 9, "coverage": 1.0},
        TEXT: {"space": "text", "state": "live", "done": 8, "wanted": 8, "coverage": 1.0},
    }
    assert document["missing"] == {}
    assert document["last_run"]["run_id"] == eventful().called.document["run_id"]
    assert document["last_run"]["status"] == "SUCCESS"


def test_search_tells_the_place_and_the_score_of_every_leg() -> None:
    called = reelindex_here("search", "an accordion", "--limit", "2", "--json", home=eventful().home)
    assert called.exit_code == 0
    document = called.document
    assert {"release", "query", "results"} <= set(document)
    assert (document["release"], document["query"], len(document["results"])) == (1, "an accordion", 2)
    best = document["results"][0]
    assert {
        "video_id",
        "uri",
        "segment_id",
        "start_ms",
        "end_ms",
        "score",
        "legs",
        "caption",
        "transcript",
    } <= set(best)
    assert (best["caption"], best["start_ms"], best["end_ms"]) == ("accordion", 1200, 2400)
    assert Path(best["uri"]).name in {"a.mp4", "copied.mp4"}
    assert set(best["legs"]) == {"caption", "visual", "text"}
    for leg in best["legs"].values():
        assert set(leg) == {"rank", "score"}


def test_quarantine_lists_reasons_and_lets_them_be_tried_again(copied: Home) -> None:
    listed = reelindex_here("quarantine", "--json", home=copied)
    (failure,) = listed.document
    assert {"stage", "subject", "version", "error", "message", "attempts", "quarantined", "uri"} <= set(failure)
    assert failure["uri"] == str(eventful().films / "cut off.mp4")
    assert (failure["stage"], failure["quarantined"]) == ("videos", True)

    text = reelindex_here("quarantine", home=copied)
    assert "films [red]/cut off.mp4" in text.out.replace("\n", ""), "a path is not markup"

    retried = reelindex_here("quarantine", "--retry", "--json", home=copied)
    assert retried.document == {"retried": 1}
    lake = Lake(copied.lake, create=False)
    assert plan_videos(Scope(lake, Failures(lake, max_attempts=3))).new == (failure["video_id"],)
    assert reelindex_here("status", "--json", home=copied).document["missing"] == {"videos": 1}
    assert reelindex_here("quarantine", home=copied).out == "Nothing has failed.\n"


def test_sql_answers_and_exports(tmp_path: Path) -> None:
    home = eventful().home
    query = "SELECT caption, count(*) AS n FROM documents WHERE caption = 'maze' GROUP BY caption"
    assert reelindex_here("sql", query, "--json", home=home).document == [{"caption": "maze", "n": 2}]
    typed = reelindex_here("sql", "--json", home=home, typed="SELECT 1 AS one\n\n")
    assert typed.document == [{"one": 1}]
    assert "[red]" in reelindex_here("sql", "SELECT 1 AS \"[red]\", '[blue]' AS v", home=home).out

    file = tmp_path / "corpus.duckdb"
    exported = reelindex_here("sql", "--export", file, "--json", home=home)
    assert exported.document["segments"] == 9
    with duckdb.connect(str(file), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM segments").fetchone() == (9,)
    again = reelindex_here("sql", "--export", file, home=home)
    assert again.exit_code == 1
    assert again.err.startswith("error: ")


def test_a_wrong_statement_does_not_end_a_session() -> None:
    called = reelindex_here("sql", home=eventful().home, typed="SELEC 1\nSELECT 41 + 1 AS answer\n")
    assert called.exit_code == 0
    assert "SELEC" in called.err
    assert "42" in called.out


def _is_one_line(called: Called, *words: str) -> None:
    assert called.exit_code == 1
    assert called.out == ""
    assert called.err.startswith("error: ")
    assert called.err.count("\n") == 1, called.err
    assert ESCAPE not in called.err
    for word in words:
        assert word in called.err


def test_a_path_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    _is_one_line(reelindex_here("ingest", tmp_path / "nowhere", home=Home(tmp_path / "home")), "nowhere")


@pytest.mark.parametrize("command", [["status"], ["search", "a"], ["quarantine"], ["sql", "SELECT 1"]])
def test_no_lake_yet_is_one_line(command: list[str], tmp_path: Path) -> None:
    called = reelindex_here(*command, home=Home(tmp_path / "home"))
    _is_one_line(called, "no lake here", "reelindex ingest")
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("command", [["status"], ["ingest", "."]])
def test_a_model_that_there_is_not_is_one_line_that_lists_those_there_are(
    command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REELINDEX_MODELS__TEXT", "nobody")
    monkeypatch.chdir(eventful().films)
    _is_one_line(reelindex_here(*command, home=eventful().home), "nobody", "minilm:all-MiniLM-L6-v2")


def test_a_wrong_setting_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELINDEX_MEDIA__WORKERS", "many")
    _is_one_line(reelindex_here("status", home=eventful().home), "REELINDEX_MEDIA__WORKERS", "`media.workers`")


def test_a_wrong_statement_is_an_error_in_the_words_of_duckdb() -> None:
    called = reelindex_here("sql", "SELECT nothing FROM nowhere", home=eventful().home)
    assert called.exit_code == 1
    assert called.err.startswith("error: Catalog Error: Table with name nowhere does not exist")
    assert "Traceback" not in called.err


@pytest.mark.parametrize("command", [["ingest"], ["search"], ["search", "a", "--limit", "0"], ["no-such-command"]])
def test_wrong_usage_ends_with_2(command: list[str]) -> None:
    called = reelindex_here(*command)
    assert called.exit_code == 2
    assert "Usage" in called.err


def test_an_interrupt_ends_with_1_and_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("orchestration.status.read_status", interrupted)
    called = reelindex_here("status", home=eventful().home)
    assert (called.exit_code, called.err) == (1, "interrupted; what was finished is kept.\n")


@pytest.mark.parametrize("command", [["status"], ["search", "a maze"], ["quarantine"], ["sql", "SHOW TABLES"]])
def test_what_is_no_terminal_gets_no_control_codes(command: list[str]) -> None:
    called = reelindex_here(*command, home=eventful().home)
    assert called.exit_code == 0
    assert called.out
    assert ESCAPE not in called.out + called.err


def test_progress_is_told_beside_the_document() -> None:
    called = eventful().called
    assert "probing videos: 2 videos" in called.err
    json.loads(called.out)


def test_the_home_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELINDEX_HOME", str(ingested().home.folder))
    assert reelindex_here("status", "--json").document["videos"] == 3
