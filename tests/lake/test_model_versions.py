"""The registry of versions: the first word counts."""

from __future__ import annotations

from dataclasses import replace

from lake.model_versions import ModelVersion, ModelVersions
from lake.store import Lake
from tests.lake import jobs
from tests.lake.processes import TwoProcesses

VISUAL = ModelVersion(
    version="conse-0123456789ab",
    role="visual",
    space="visual",
    spec={"family": "conse", "prompts": ["a photo of {}"], "dim": 4},
    dim=4,
    canary={"pictures": [[0.5, -0.25]], "texts": []},
)
CAPTIONER = ModelVersion("labels-ffff", "captioner", None, {"family": "labels"}, None, {})


def test_a_version_comes_back_as_it_was_registered(lake: Lake) -> None:
    versions = ModelVersions(lake)
    assert versions.find(VISUAL.version) is None
    for model in (VISUAL, CAPTIONER):
        assert versions.register(model) == model
    assert versions.find(VISUAL.version) == VISUAL
    assert versions.all() == [CAPTIONER, VISUAL]


def test_a_version_registered_twice_keeps_its_first_canary(lake: Lake) -> None:
    versions = ModelVersions(lake)
    versions.register(VISUAL)
    again = versions.register(replace(VISUAL, canary={"pictures": [[9.0, 9.0]]}))
    assert again == VISUAL
    assert versions.all() == [again]


def test_of_two_processes_both_get_the_canary_that_came_first(lake: Lake, two_processes: TwoProcesses) -> None:
    one, other = two_processes.together(jobs.register_version, (lake.folder, "one"), (lake.folder, "other"))
    assert one == other
    assert [model.canary for model in ModelVersions(lake).all()] == [{"who": one}]
