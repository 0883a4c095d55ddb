from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from quality.expectations.data_docs import page_of, write_data_docs
from quality.expectations.engine import Examination
from quality.expectations.facts import Facts
from quality.expectations.requirement import Requirement

NAMES = pa.chunked_array([["first", "second"]])
RULE = Requirement("small", "It is <small>.", "size", 0, 10, "Make it smaller.")
WHOLE = Requirement("few", "They are few.", "count", None, 5, "Remove some.", severity="warn", of="table")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports") / "expectations"
    for largest in (1.0, 99.0):
        examination = Examination()
        facts = Facts("things", NAMES, pd.DataFrame({"size": [1.0, largest]}), {"count": 2.0})
        outcomes = examination.ask([RULE, WHOLE], facts)
        write_data_docs(examination, outcomes, folder)
    return folder


def test_the_first_page_has_every_answer_and_a_way_to_its_page(site: Path) -> None:
    index = (site / "index.html").read_text(encoding="utf-8")
    assert "1 of 2 expectations are met" in index
    assert index.index("small") < index.index("few"), "what is not met comes first"
    for page in re.findall(r'href="([^"]+)"', index):
        assert (site / page).is_file()


def test_a_result_says_what_was_asked_and_found(site: Path) -> None:
    page = (site / "validations" / "things.html").read_text(encoding="utf-8")
    assert "small: It is" in page
    assert "99" in page


def test_pages_load_nothing_and_run_nothing(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) == 5
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "<script" not in text
        assert not re.search(r"(?:src|href)=\"https?://[^\"]*\.(?:css|js|png)", text)
        assert "url('http" not in text
        for way in re.findall(r'href="([^"#]+\.html)', text):
            assert (page.parent / way).is_file(), way


def test_pages_of_the_time_before_are_replaced_and_nothing_is_left_aside(site: Path) -> None:
    assert [each.name for each in site.parent.iterdir()] == ["expectations"]
    assert [page.name for page in (site / "validations").iterdir() if "whole" not in page.name] == ["things.html"]


def test_an_answer_knows_its_page() -> None:
    outcomes = Examination().ask([RULE, WHOLE], Facts("things", NAMES, pd.DataFrame({"size": [1, 2]}), {"count": 2}))
    assert [page_of(one) for one in outcomes] == ["validations/things.html", "validations/things-whole.html"]


def test_an_examination_leaves_no_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    Examination()
    assert list(tmp_path.iterdir()) == []
