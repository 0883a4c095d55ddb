"""The log of judgements, files of them, and the pairs that follow."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from lake.schema import FILES, SEGMENTS
from lake.store import Lake
from tests.stages.small_lake import ingested
from training.preferences.errors import BadJudgements
from training.preferences.from_csv import read_csv
from training.preferences.judgements import FILE_NAME, Judgement, JudgementLog, Shown
from training.preferences.pairs import Question, is_held_out, pairs_of
from training.preferences.propensity import Propensity

AT = datetime(2026, 11, 24, 12, 0, 0, 123000, tzinfo=UTC)
SHOWN = tuple(Shown(rank, f"v{rank}", f"v{rank}-0-9") for rank in range(1, 5))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def test_what_was_entered_is_read_and_the_same_file_twice_is_once(lake: Lake) -> None:
    log = JudgementLog(lake)
    said = Judgement("ein Hund — 犬", chosen=("v1",), rejected=("v2",), shown=SHOWN, release_id=3, at=AT)
    clicked = Judgement("a dog", chosen=("v3",), shown=SHOWN, kind="click", at=AT)
    log.enter([said])
    log.enter([clicked])
    assert log.read().judgements == (said, clicked)
    assert log.enter_new([said, clicked, said]) == 1
    assert len(log.read().judgements) == 3


def test_a_line_that_was_cut_short_is_counted_and_the_next_one_is_whole(lake: Lake) -> None:
    log = JudgementLog(lake)
    said = Judgement("a dog", chosen=("v1",), rejected=("v2",), at=AT)
    log.enter([said])
    path = lake.folder / FILE_NAME
    path.write_bytes(path.read_bytes() + b'{"query": "a ca')
    log.enter([said])
    assert log.read().cut_short == 1
    assert log.read().judgements == (said, said)
    path.write_bytes(b'{"query": "a cat"}\n')
    with pytest.raises(BadJudgements, match=rf"{FILE_NAME}, line 1: it is no judgement"):
        log.read()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"query": " "}, "the query is empty"),
        ({"chosen": ("v1",), "rejected": ("v1",)}, "preferred and rejected"),
        ({"rejected": ()}, "needs one result that is better and one that is worse"),
        ({"chosen": ("v9",)}, "v9 was not shown"),
        ({"kind": "guess"}, "the kind is one of click, judgement"),
        ({"shown": (Shown(0, "v1"), Shown(2, "v2"))}, "a rank is below 1"),
    ],
)
def test_a_judgement_that_says_nothing_is_none(changed: dict[str, object], said: str) -> None:
    values: dict[str, object] = {"query": "a dog", "chosen": ("v1",), "rejected": ("v2",), "shown": SHOWN} | changed
    with pytest.raises(BadJudgements, match=said):
        Judgement(**values)  # type: ignore[arg-type]


def test_who_judges_again_corrects_himself_and_every_click_counts() -> None:
    first = Judgement("A dog ", chosen=("v1",), rejected=("v2", "v3"))
    second = Judgement("a  DOG", chosen=("v2",), rejected=("v1",))
    question = Question("a dog", "video")
    said = {(pair.preferred, pair.rejected): pair.weight for pair in pairs_of([first, second], Propensity())}
    assert said == {("v2", "v1"): 1.0, ("v1", "v3"): 1.0}
    assert pairs_of([first], Propensity())[0].question == question

    click = Judgement("a dog", chosen=("v2",), shown=SHOWN, kind="click")
    twice = pairs_of([click, click], Propensity(eta=1.0))
    assert [(pair.preferred, pair.rejected) for pair in twice] == [("v2", other) for other in ("v1", "v3", "v4")] * 2
    # Rank 2 is looked at half as often as rank 1: a click there counts twice, shared among what it passed over.
    assert [pair.weight for pair in twice] == pytest.approx([2 / 3] * 6)


def test_held_out_queries_are_held_out_whatever_their_case_and_about_three_in_ten() -> None:
    queries = [f"query number {number}" for number in range(2000)]
    held = [is_held_out(query) for query in queries]
    assert sum(held) / 2000 == pytest.approx(0.3, abs=0.04)
    assert held == [is_held_out(f"  {query.upper()}") for query in queries]


def _small_lake(folder: Path) -> Lake:
    return Lake(ingested().copied_to(folder / "home").lake, create=False)


def test_a_file_names_videos_by_path_and_segments_by_id(tmp_path: Path) -> None:
    lake = _small_lake(tmp_path)
    paths = sorted(lake.read(FILES.name, ["uri"])["uri"].to_pylist())
    segments = sorted(lake.read(SEGMENTS.name, ["segment_id"])["segment_id"].to_pylist())
    file = tmp_path / "own.csv"
    file.write_text(
        "query,preferred,rejected,position_preferred,position_rejected\n"
        f"a maze,{paths[0]},{paths[1]},,\nred,{segments[0]},{segments[1]},3,1\n"
    )
    said, clicked = read_csv(file, lake)
    assert (said.kind, said.unit, clicked.kind, clicked.unit) == ("judgement", "video", "click", "segment")
    assert clicked.rank_of(segments[0]) == 3
    assert clicked.rejected == (segments[1],)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("query,better,worse\na,b,c", "the columns preferred, rejected are missing"),
        ("query,preferred,rejected\na,,c", "line 2: a query or a result is empty"),
        ("query,preferred,rejected\na,nowhere.mp4,c.mp4", "line 2: nowhere.mp4 and c.mp4: there is no such"),
        ("query,preferred,rejected\na,{path},{path}", "line 2: both results are the same"),
        ("query,preferred,rejected\na,{path},{segment}", "line 2: one result is a segment and the other a video"),
        ("query,preferred,rejected,position_preferred\na,{path},{segment},x", "line 2: .* whole numbers from 1"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_by_its_line(tmp_path: Path, rows: str, said: str) -> None:
    lake = _small_lake(tmp_path)
    file = tmp_path / "own.csv"
    path, segment = (
        lake.read(table, [column])[column][0].as_py()
        for table, column in (("files", "uri"), ("segments", "segment_id"))
    )
    file.write_text(rows.format(path=path, segment=segment))
    with pytest.raises(BadJudgements, match=rf"own\.csv.*{said}"):
        read_csv(file, lake)
