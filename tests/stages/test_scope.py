from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from kernel.errors import ReelindexError
from lake.failures import Failures
from lake.planning import Plan, have_table, wanted_table
from lake.store import Lake
from stages.scope import Scope


@pytest.fixture(scope="module")
def scope(tmp_path_factory: pytest.TempPathFactory) -> Scope:
    lake = Lake(tmp_path_factory.mktemp("lake"))
    scope = Scope(lake, Failures(lake, max_attempts=1))
    scope.fail("stage", "aside", "00", "v1", ReelindexError("broken"), str(Path("film.mp4")))
    return scope


def _plan(scope: Scope, wanted: dict[str, str], have: dict[str, str], stage: str = "stage") -> Plan:
    texts = pa.string()
    return scope.plan(
        stage,
        "v1",
        wanted_table(pa.array(wanted, texts), pa.array(wanted.values(), texts)),
        have_table(pa.array(have, texts), pa.array(have.values(), texts), pa.array(["v1"] * len(have), texts)),
    )


def test_what_is_set_aside_is_not_missing_and_keeps_the_value_it_has(scope: Scope) -> None:
    assert _plan(scope, {"aside": "1", "other": "1"}, {}) == Plan(new=("other",))
    assert _plan(scope, {"aside": "2", "other": "1"}, {"aside": "1", "other": "1"}) == Plan(current=1)


def test_what_is_set_aside_and_no_longer_wanted_is_removed_like_any_other(scope: Scope) -> None:
    assert _plan(scope, {"other": "1"}, {"aside": "1", "other": "1"}) == Plan(orphaned=("aside",), current=1)


def test_a_quarantine_is_of_one_stage(scope: Scope) -> None:
    assert _plan(scope, {"aside": "1"}, {}, stage="another stage") == Plan(new=("aside",))
