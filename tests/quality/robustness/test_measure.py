"""What moves is seen, what does not is not; measured on a real lake by the real models, once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import ReelindexError
from lake.robustness import RobustnessMeasured
from lake.schema import SPACES, Space, vectors_table_name
from lake.store import Lake
from quality.gates import Case
from quality.policy import PromotionPolicy
from quality.robustness.measure import NEIGHBOURS, measure_robustness, shift_of
from quality.robustness.pictures import PICTURE_DISTURBANCES
from quality.robustness.queries import QUERY_DISTURBANCES
from quality.robustness_gate import robustness
from tests.quality.expectations.sound_lake import WarmModels, sound_home
from tests.quality.spaces import unit_vectors
from tests.stages.small_lake import scope_of

STORED = unit_vectors(60, 8)


class _Unasked(WarmModels):
    """Models that may not be used."""

    def visual(self, spec: Any) -> Any:
        raise ReelindexError("the visual model was asked")

    def text(self, spec: Any) -> Any:
        raise ReelindexError("the text model was asked")


def test_what_did_not_move_finds_what_it_found() -> None:
    shift = shift_of("pictures", "none", STORED[:20], STORED[:20], STORED)
    assert (shift.asked, shift.first_kept, shift.overlap) == (20, 1, 1)
    assert (shift.cosine, shift.cosine_low) == pytest.approx((1, 1))


def test_what_went_elsewhere_finds_others() -> None:
    shift = shift_of("pictures", "all", STORED[:20], -STORED[:20], STORED)
    assert (shift.first_kept, shift.overlap) == (0, 0)
    assert shift.cosine == pytest.approx(-1)


@given(st.floats(0, 1), st.integers(0, 19))
def test_only_the_one_that_moved_counts(far: float, which: int) -> None:
    after = STORED[:20].copy()
    after[which] = (1 - far) * after[which] - far * after[which]
    norm = np.linalg.norm(after[which])
    after[which] = after[which] / norm if norm else 0
    shift = shift_of("pictures", "one", STORED[:20], after, STORED)
    assert 0.95 <= shift.first_kept <= 1
    assert shift.overlap + 1e-9 >= 0.95
    assert shift.cosine_low == pytest.approx(float(after[which] @ STORED[which]), abs=1e-6)


def test_copies_may_change_places() -> None:
    """A picture that is stored eleven times has eleven nearest: any ten of them are as good."""
    copies = np.concatenate([STORED[:1].repeat(11, axis=0), STORED[1:]])
    slightly = STORED[:1] + np.float32(1e-4) * STORED[5:6]
    slightly /= np.linalg.norm(slightly)
    shift = shift_of("pictures", "slightly", STORED[:1], slightly, copies)
    assert (shift.first_kept, shift.overlap) == (1, 1)


@pytest.mark.parametrize("space", SPACES)
def test_a_version_is_measured_under_every_disturbance_and_not_twice(tmp_path: Path, space: Space) -> None:
    home = sound_home(tmp_path)
    models, scope = WarmModels(home), scope_of(home)
    found = measure_robustness(scope, models, space, models.spec(space))
    assert found is not None
    pictures = [*PICTURE_DISTURBANCES] if space == "visual" else []
    assert [one.disturbance for one in found.shifts] == [*pictures, *QUERY_DISTURBANCES]
    assert all(one.asked == 24 and 0 <= one.overlap <= 1 and one.cosine_low <= one.cosine for one in found.shifts)
    by_name = {one.disturbance: one for one in found.shifts}
    assert by_name["capitals"].overlap == 1, "both models read without capitals"
    assert by_name["key words alone"].cosine_low < 1
    assert RobustnessMeasured(Lake(home.lake)).all(space) == [found]
    assert measure_robustness(scope, _Unasked(home), space, models.spec(space)) == found


def test_it_is_measured_again_when_there_is_twice_as_much(tmp_path: Path) -> None:
    home = sound_home(tmp_path)
    models, scope = WarmModels(home), scope_of(home)
    found = measure_robustness(scope, models, "text", models.spec("text"))
    assert found is not None
    RobustnessMeasured(scope.lake).keep(replace(found, rows=found.rows // 2))
    again = measure_robustness(scope, models, "text", models.spec("text"))
    assert again is not None
    assert (again.rows, again.shifts) == (found.rows, found.shifts), "the same sample, the same slips"


def test_too_few_to_tell(tmp_path: Path) -> None:
    home = sound_home(tmp_path)
    models, scope = WarmModels(home), scope_of(home)
    name = vectors_table_name("visual", models.spec("visual").version)
    ids = scope.lake.read(name, ["segment_id"])["segment_id"].to_pylist()
    scope.lake.delete(name, "segment_id", ids[2 * NEIGHBOURS - 1 :])
    assert measure_robustness(scope, _Unasked(home), "visual", models.spec("visual")) is None
    verdict = robustness(_case(home, 0.1, _Unasked(home)))
    assert (verdict.passed, verdict.measured) == (False, None)
    assert "fewer than 20 vectors" in verdict.message


def _case(home: Any, least: float, models: WarmModels) -> Case:
    policy = PromotionPolicy(min_robustness=least)
    return Case(scope_of(home), models, policy, "visual", models.spec("visual"))


def test_the_gate_asks_only_where_a_minimum_is_set(tmp_path: Path) -> None:
    home = sound_home(tmp_path)
    unasked = robustness(_case(home, 0.0, _Unasked(home)))
    assert (unasked.passed, unasked.measured) == (True, None)
    passed = robustness(_case(home, 0.05, WarmModels(home)))
    assert passed.passed, passed.message
    failed = robustness(_case(home, 0.999, WarmModels(home)))
    assert not failed.passed
    assert failed.measured == passed.measured
    assert "fewest under `" in failed.message
    assert len(failed.evidence["overlap"]) == len(PICTURE_DISTURBANCES) + len(QUERY_DISTURBANCES)
