from __future__ import annotations

from pathlib import Path

import pytest

from quality.expectations.engine import Examination
from quality.expectations.examine import REQUIREMENTS, Grounds, examine
from quality.expectations.requirement import Outcome
from settings import Home
from tests.quality.expectations.breakers import BREAKERS, Broken
from tests.quality.expectations.sound_lake import WarmModels, sound_home
from tests.stages.small_lake import scope_of

ALL = [(asset, name) for asset, breakers in BREAKERS.items() for name in breakers]


def _examined(home: Home, models: WarmModels) -> dict[tuple[str, str], Outcome]:
    grounds, examination = Grounds(scope_of(home), models), Examination()
    return {
        (asset, one.requirement.name): one for asset in REQUIREMENTS for one in examine(grounds, asset, examination)
    }


def test_there_is_a_broken_lake_for_every_requirement() -> None:
    assert set(ALL) == {(asset, one.name) for asset, requirements in REQUIREMENTS.items() for one in requirements}


def test_a_sound_lake_meets_every_requirement(tmp_path: Path) -> None:
    home = sound_home(tmp_path)
    outcomes = _examined(home, WarmModels(home))
    assert set(outcomes) == set(ALL)
    assert {name: one.finding for name, one in outcomes.items() if not one.met} == {}
    assert all(one.measured is not None for one in outcomes.values()), "nothing was left unjudged"


@pytest.mark.parametrize(("asset", "name"), ALL, ids=[f"{asset}-{name}" for asset, name in ALL])
def test_a_broken_lake_is_caught_by_the_right_check_and_by_no_other_that_blocks(
    asset: str, name: str, tmp_path: Path
) -> None:
    home = sound_home(tmp_path)
    broken = Broken(home, WarmModels(home))
    models = BREAKERS[asset][name](broken) or broken.models
    outcomes = _examined(home, models)
    caught = outcomes[asset, name]
    assert not caught.met
    assert caught.error == ""
    assert caught.requirement.remedy in caught.finding
    others = {key: one.finding for key, one in outcomes.items() if not one.met and key[1] != name}
    blocking = {key: finding for key, finding in others.items() if outcomes[key].requirement.severity == "block"}
    assert blocking == {}
    if caught.requirement.of == "row":
        assert caught.unexpected > 0
        assert caught.examples
