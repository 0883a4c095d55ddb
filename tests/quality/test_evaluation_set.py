from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kernel.identity import video_id_of
from lake.schema import FILES
from lake.store import Lake
from quality.evaluation_set import BadEvaluationSet, read_evaluation_set
from quality.policy import PromotionPolicy
from tests.quality.candidates import write_queries
from tests.stages.small_lake import ingested

pytestmark = pytest.mark.xdist_group("ingested")


@pytest.fixture
def lake() -> Lake:
    return ingested().lake


def test_a_video_is_named_by_where_it_was_seen_or_by_what_is_in_the_file(lake: Lake, tmp_path: Path) -> None:
    films = ingested().films
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(films / "b.mp4", tmp_path / "elsewhere" / "copy.mp4")
    path = write_queries(
        tmp_path / "queries.csv",
        [
            ("rings", films / "a.mp4"),
            ("a grid, please", Path("elsewhere/copy.mp4")),
            ("notes", films / "notes.txt"),
            ("lost", Path("lost.mp4")),
        ],
    )
    known = read_evaluation_set(path, lake)
    assert [(one.text, one.video_id) for one in known.queries] == [
        ("rings", video_id_of(films / "a.mp4")),
        ("a grid, please", video_id_of(films / "b.mp4")),
    ]
    assert known.unknown == tuple(sorted((str(films / "notes.txt"), "lost.mp4")))


def test_a_path_that_the_lake_has_seen_needs_no_file_any_more(tmp_path: Path) -> None:
    home = ingested().copied_to(tmp_path / "home")
    lake = Lake(home.lake, create=False)
    seen = lake.read(FILES.name, FILES.schema.names).to_pylist()[0]
    lake.upsert(FILES, [{**seen, "uri": str(tmp_path / "deleted.mp4"), "missing": True}])
    path = write_queries(tmp_path / "queries.csv", [("x", Path("deleted.mp4"))])
    assert [one.video_id for one in read_evaluation_set(path, lake).queries] == [seen["video_id"]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "the columns query, video_path are missing"),
        ("query;video_path\n", "the columns query, video_path are missing"),
        ("query,path\nx,y\n", "the columns video_path are missing"),
        ("query,video_path\nx,a.mp4\n,b.mp4\n", "line 3: a query or a path is empty"),
        ("query,video_path\nx\n", "line 2: a query or a path is empty"),
        ("query,video_path\n\xff\xfe,a.mp4\n", "it cannot be read"),
    ],
)
def test_a_file_that_is_none_is_named_with_line_and_reason(lake: Lake, tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "queries.csv"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(BadEvaluationSet, match=said) as raised:
        read_evaluation_set(path, lake)
    assert str(path) in str(raised.value)


def test_a_spreadsheet_may_write_a_mark_first_and_more_columns(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "queries.csv"
    path.write_text(f"note,query,video_path\n1,rings,{ingested().films / 'a.mp4'}\n", encoding="utf-8-sig")
    assert len(read_evaluation_set(path, lake).queries) == 1


def test_the_digest_follows_the_content(tmp_path: Path) -> None:
    path = tmp_path / "queries.csv"
    policy = PromotionPolicy(evaluation=path)
    assert policy.evaluation_digest() == "none"
    path.write_text("query,video_path\n")
    before = policy.evaluation_digest()
    path.write_text("query,video_path\nx,y\n")
    assert before != policy.evaluation_digest() != "none"
