"""`reelindex judge` and `reelindex tune`: from what people say to a release with other weights, and back."""

from __future__ import annotations

from pathlib import Path

import pytest

from lake.releases import Releases
from lake.store import Lake
from quality.promotion import TUNED, fusion_after
from settings import Home, load_settings
from tests.orchestration.command import reelindex_here
from tests.stages.small_lake import ingested
from training.preferences.judgements import JudgementLog
from training.preferences.pairs import is_held_out

pytestmark = pytest.mark.xdist_group("ingested")

COLOURS, THINGS = ("red", "blue", "striped", "grey", "round"), ("maze", "net", "wall", "ring")
QUERIES = [f"a {colour} {thing}" for colour in COLOURS for thing in THINGS]
"""None of them says which segment is best: whoever judges here trusts the words more than the pictures."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return ingested().copied_to(tmp_path / "home")


def _lake(home: Home) -> Lake:
    return Lake(home.lake, create=False)


def _log(home: Home) -> JudgementLog:
    return JudgementLog(_lake(home))


def test_numbers_say_what_is_good_and_the_list_is_kept(home: Home) -> None:
    called = reelindex_here("judge", "a maze", "--good", "2", home=home)
    assert called.exit_code == 0, called.err
    assert "Recorded." in called.out
    (judgement,) = _log(home).read().judgements
    assert judgement.query == "a maze"
    assert judgement.chosen == (judgement.shown[1].video_id,)
    assert judgement.rejected == tuple(one.video_id for one in judgement.shown if one.rank != 2)
    assert judgement.release_id == 1

    typed = reelindex_here("judge", "a maze", home=home, typed="nine\n1\n\n")
    assert typed.exit_code == 0
    assert "nine is no number of a result" in typed.err
    assert len(_log(home).read().judgements) == 2
    assert reelindex_here("judge", "a maze", home=home, typed="\n").out.endswith("Nothing recorded.\n")
    clicked = reelindex_here("judge", "a maze", "--clicked", "1", "--json", home=home).document
    assert clicked["judgement"]["kind"] == "click"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("a maze", "--good", "99"),
        ("a maze", "--good", "1", "--clicked", "2"),
        ("a maze", "--bad", "1"),
        ("a maze", "--json"),
        ("a maze", "--file", "x.csv"),
    ],
)
def test_wrong_usage_is_told(home: Home, arguments: tuple[str, ...]) -> None:
    assert reelindex_here("judge", *arguments, home=home).exit_code == 2
    assert _log(home).read().judgements == ()


def test_too_few_judgements_are_no_reason_to_change_anything(home: Home) -> None:
    called = reelindex_here("tune", "--apply", home=home)
    assert called.exit_code == 1
    assert "there are 0 pairs of a better and a worse result" in called.err
    assert Releases(_lake(home)).live().release_id == 1


def _preferences(home: Home, folder: Path) -> Path:
    """For every query: what the documents say rather than what stands first, where that is something else."""
    from retrieval import open_index

    rows = ["query,preferred,rejected"]
    with open_index(home.lake, cache_dir=home.caches) as index:
        for query in QUERIES:
            best = index.search(query, legs=["text"], group_by_video=False).results[0].segment_id
            shown = [one.segment_id for one in index.search(query, group_by_video=False).results]
            rows += [f"{query},{best},{other}" for other in shown[:3] if other != best]
    path = folder / "preferences.csv"
    path.write_text("\n".join(rows))
    return path


def _known_answers(home: Home, folder: Path, leg: str) -> Path:
    """Queries that nobody judged, whose answer is what one leg says."""
    from retrieval import open_index

    rows = ["query,video_path"]
    with open_index(home.lake, cache_dir=home.caches) as index:
        for number in range(25):
            query = f"{QUERIES[number % len(QUERIES)]} number {number}"
            rows.append(f"{query},{index.search(query, legs=[leg]).results[0].uri}")
    path = folder / "known.csv"
    path.write_text("\n".join(rows))
    return path


@pytest.fixture
def judged(home: Home, tmp_path: Path) -> Home:
    taken = reelindex_here("judge", "--file", _preferences(home, tmp_path), "--json", home=home)
    assert taken.exit_code == 0, taken.err
    assert taken.document["recorded"] >= 20
    assert {True, False} == {is_held_out(query) for query in QUERIES}
    return home


def test_without_known_answers_the_guard_lets_nothing_through(judged: Home) -> None:
    called = reelindex_here("tune", "--apply", home=judged)
    assert called.exit_code == 1
    assert "there are no queries with known answers" in called.out + called.err
    assert Releases(_lake(judged)).live().release_id == 1


def test_what_pleases_the_judges_and_harms_the_others_is_refused(
    judged: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REELINDEX_PROMOTION__EVALUATION", str(_known_answers(judged, tmp_path, "visual")))
    monkeypatch.setenv("REELINDEX_PROMOTION__MAX_QUALITY_LOSS", "0")
    called = reelindex_here("tune", "--apply", "--beta", "0", "--json", home=judged)
    assert called.exit_code == 1
    guards = {guard["name"]: guard for guard in called.document["guards"]}
    assert guards["held_out"]["passed"]
    assert not guards["evaluation"]["passed"]
    assert guards["evaluation"]["after"] < guards["evaluation"]["before"]
    assert called.document["applied"] is None
    assert Releases(_lake(judged)).live().release_id == 1


def test_weights_go_live_by_a_release_and_a_rollback_brings_the_old_ones_back(
    judged: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REELINDEX_PROMOTION__EVALUATION", str(_known_answers(judged, tmp_path, "text")))
    before = Releases(_lake(judged)).live()
    seen = reelindex_here("tune", "--beta", "0", "--json", home=judged).document
    assert seen["applied"] is None
    assert seen["after"]["text"] / seen["after"]["visual"] > seen["before"]["text"] / seen["before"]["visual"]
    assert Releases(_lake(judged)).live() == before

    applied = reelindex_here("tune", "--apply", "--beta", "0", "--json", home=judged)
    assert applied.exit_code == 0, applied.err
    live = Releases(_lake(judged)).live()
    assert (live.release_id, dict(live.fusion)) == (2, applied.document["after"])
    assert live.spaces == before.spaces
    assert live.evidence[TUNED]["counts"]["pairs_fitted"] > 0
    assert reelindex_here("search", "a maze", "--json", home=judged).document["release"] == 2

    # A promotion that follows keeps the tuned weights, until somebody changes those of the settings.
    settled = load_settings().search.fusion()
    assert fusion_after(live, settled) == live.fusion
    assert fusion_after(live, settled | {"visual": 2.5}) == settled | {"visual": 2.5}
    assert fusion_after(before, settled) == settled

    assert reelindex_here("rollback", home=judged).exit_code == 0
    assert dict(Releases(_lake(judged)).live().fusion) == dict(before.fusion)


def test_known_answers_must_be_enough_to_learn_from(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = reelindex_here("tune", "--known", home=home)
    assert (nothing.exit_code, "promotion.evaluation in reelindex.toml" in nothing.err) == (1, True)
    monkeypatch.setenv("REELINDEX_PROMOTION__EVALUATION", str(_known_answers(home, tmp_path, "text")))
    few = reelindex_here("tune", "--known", "--apply", home=home)
    assert few.exit_code == 1
    assert "known.csv: there are 25 queries about" in few.err
    assert Releases(_lake(home)).live().release_id == 1
