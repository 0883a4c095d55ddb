"""`reelindex evaluate`, and the same as an asset."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from lake.retrieval_quality import RetrievalMeasured
from lake.store import Lake
from orchestration.definitions import build_definitions
from orchestration.instance import open_instance
from orchestration.jobs import QUALITY
from quality.retrieval.failure_modes import FAILURE_MODES
from settings import Home, Settings
from settings.model import PromotionSettings
from tests.orchestration.command import reelindex_here
from tests.quality.candidates import known_queries
from tests.stages.small_lake import ingested

pytestmark = pytest.mark.xdist_group("ingested")


def test_the_command_and_the_asset_tell_the_same(tmp_path: Path) -> None:
    home = ingested().copied_to(tmp_path / "home")
    path = known_queries(tmp_path)
    called = reelindex_here("evaluate", "--questions", path, "--json", home=home)
    assert called.exit_code == 0, called.err
    fused = called.document["legs"]["fused"]
    assert fused["questions"] == 21
    settings = Settings(promotion=PromotionSettings(evaluation=path))
    with open_instance(home) as instance:
        job = build_definitions(settings, home).resolve_job_def(QUALITY)
        asked = [dg.AssetKey("retrieval_quality")]
        result = job.execute_in_process(instance=instance, asset_selection=asked)
    (made,) = result.asset_materializations_for_node("retrieval_quality")
    assert made.metadata["fused_recall_at_1"].value == pytest.approx(fused["metrics"]["recall@1"]["mean"])
    assert {one.check_name for one in result.get_asset_check_evaluations()} == set(FAILURE_MODES)
    assert len(RetrievalMeasured(Lake(home.lake)).all()) == 1, "asked once"
    shown = reelindex_here("evaluate", "--questions", path, home=home)
    assert "21 questions" in shown.out
    assert "hubs: not told" in shown.out


def test_without_a_lake_or_with_a_bad_file_it_is_one_line(tmp_path: Path) -> None:
    assert "no lake here" in reelindex_here("evaluate", home=Home(tmp_path / "none")).err
    bad = tmp_path / "bad.csv"
    bad.write_text("words,file\n")
    called = reelindex_here("evaluate", "--questions", bad, home=ingested().home)
    assert called.exit_code == 1
    assert "the columns query, video_path are missing" in called.err
