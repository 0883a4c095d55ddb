from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from benchmarks.drift_worlds import Simulated
from kernel.progress import Silent
from lake.drift_references import DriftReferences
from lake.store import Lake
from quality.drift import look as looking
from quality.drift.look import Look, look
from quality.drift.quantities import MIXES, NUMBERS
from quality.drift.verdict import Drift
from quality.drift.windows import REFERENCE_LEAST, current_size, membership, window
from tests.quality.drift.growing_lake import LONG_AGO, TABLE, VERSION, grow

pytestmark = pytest.mark.xdist_group("drift_look")

WORLD = Simulated.draw(7)
BEFORE = 40
LATER = timedelta(days=1)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Look]]:
    """A lake through its days; and what was seen on each."""
    folder = tmp_path_factory.mktemp("story")
    lake, page = Lake(folder / "lake"), folder / "reports" / "visual.html"
    random = np.random.default_rng(0)
    days: dict[str, Look] = {}

    def see(day: str, version: str = VERSION) -> None:
        days[day] = look(lake, "visual", version, page, Silent())

    grow(lake, "seed", WORLD.videos(10, random), seen=LONG_AGO)
    see("too small")
    grow(lake, "first", WORLD.videos(BEFORE - 10, random), seen=LONG_AGO)
    see("first")
    grow(lake, "few", WORLD.videos(5, random), seen=datetime.now(UTC) + LATER)
    see("few")
    grow(lake, "same", WORLD.videos(12, random), seen=datetime.now(UTC) + 2 * LATER)
    see("same")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(looking, "calibrate", None)  # whoever measures again fails
        see("again")
    days["page"] = days["again"]
    new = grow(lake, "other", WORLD.new_content(16, random), seen=datetime.now(UTC) + 3 * LATER, seconds=300)
    see("other")
    assert {mover.video_id for mover in days["other"].movers} <= set(new)
    yield days
    references = DriftReferences(lake)
    assert references.forget() == 1
    assert references.find(VERSION) is None


def test_a_corpus_that_is_too_small_has_no_reference_yet(story: dict[str, Look]) -> None:
    assert story["too small"].verdict.drift is Drift.TOO_FEW
    assert story["too small"].until < story["first"].until, "what was too small was not kept as the reference"
    assert "10 videos until" in story["too small"].message
    assert f"it takes {REFERENCE_LEAST} and 16" in story["too small"].message


def test_what_is_there_at_the_first_look_is_the_reference(story: dict[str, Look]) -> None:
    assert story["first"].sides.references == BEFORE
    assert story["first"].sides.later == 0
    assert {story[day].until for day in ("few", "same", "other")} == {story["first"].until}


def test_too_few_new_videos_are_not_judged(story: dict[str, Look]) -> None:
    assert story["few"].verdict.drift is Drift.TOO_FEW
    assert story["few"].sides.later == 5
    assert story["few"].message.startswith("Not decided: 40 videos until")
    assert story["few"].page is None


def test_more_of_the_same_is_no_drift(story: dict[str, Look]) -> None:
    assert story["same"].verdict.drift is Drift.NONE
    assert story["same"].drifted == []
    assert "16 newest videos" in story["same"].message


def test_thresholds_are_kept_with_the_reference(story: dict[str, Look]) -> None:
    assert story["again"].verdict == story["same"].verdict
    limits = story["same"].verdict.thresholds
    assert limits is not None
    assert (limits.reference, limits.current) == (BEFORE - 16, 16)


def test_other_content_is_drift_and_what_changed_is_told(story: dict[str, Look]) -> None:
    seen = story["other"]
    assert seen.verdict.drift is Drift.BOTH_METHODS
    assert "--accept-drift" in seen.message
    assert {each.quantity for each in seen.drifted} >= {"similarity_to_centre", "duration_s"}
    assert "language" not in {each.quantity for each in seen.drifted}
    assert [each.quantity for each in seen.quantities] == [*NUMBERS, *MIXES]
    assert [mover.novelty for mover in seen.movers] == sorted((one.novelty for one in seen.movers), reverse=True)


def test_evidentlys_page_loads_nothing_from_elsewhere(story: dict[str, Look]) -> None:
    assert story["other"].page is not None
    text = story["other"].page.read_text(encoding="utf-8")
    assert not re.search(r"<(?:script|link|img)[^>]+https?://", text)
    assert "similarity_to_centre" in text


@pytest.mark.parametrize(
    ("references", "later", "size"),
    [
        (31, 999, None),
        (32, 15, None),
        (32, 16, 16),
        (63, 999, 16),
        (64, 999, 32),
        (512, 40, 32),
        (511, 9999, 128),
        (512, 9999, 256),
    ],
)
def test_half_of_the_reference_is_looked_at_at_most(references: int, later: int, size: int | None) -> None:
    assert current_size(references, later) == size


def test_a_video_is_the_mean_of_its_segments(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    ids = grow(lake, "some", WORLD.videos(6, np.random.default_rng(1)), seen=LONG_AGO)
    sides = membership(lake, TABLE.name, LONG_AGO + timedelta(seconds=2))
    assert sorted(sides.reference) == sorted(ids[:3])
    assert sides.later == 3
    seen = window(lake, TABLE.name, ids)
    rows = lake.read(TABLE.name, ["video_id", "vector"]).to_pylist()
    for video_id, mean in zip(seen.video_ids, seen.means, strict=True):
        whole = np.mean([row["vector"] for row in rows if row["video_id"] == video_id], axis=0)
        np.testing.assert_allclose(mean, whole / np.linalg.norm(whole), atol=1e-6)


def test_a_new_version_takes_over_the_moment_and_measures_its_own_thresholds(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    grow(lake, "first", WORLD.videos(REFERENCE_LEAST, np.random.default_rng(1)), seen=LONG_AGO)
    before = look(lake, "visual", VERSION, tmp_path / "page.html", Silent())
    references = DriftReferences(lake)
    assert references.newest_until("visual") == before.until
    assert references.newest_until("text") is None
    kept = references.find(VERSION)
    assert kept is not None
    assert kept.thresholds == {}
