"""`reelindex train`: from pairs to a version that is planned, backfilled and promoted like any other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from encoders.registry import resolve
from lake.model_versions import ModelVersions
from lake.releases import Releases
from lake.store import Lake
from lake.trainings import Trainings
from retrieval import open_index
from settings import Home
from tests.orchestration.command import Called, reelindex_here
from tests.stages.small_lake import ingested
from training.epochs import Run

pytestmark = pytest.mark.xdist_group("ingested")

THINGS = ("dog", "cat", "boat", "car", "tree", "cup", "horse", "rocket")
PLACES = ("on snow", "at night", "in a street", "by the sea", "in a kitchen", "under a bridge")
RECIPE = {
    "epochs": 3,
    "members": 2,
    "refit": False,
    "batch": 32,
    "head": {"kind": "residual", "hidden": 16},
    "words": {"min_count": 2},
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("REELINDEX_TRAINING__RECIPE", json.dumps(RECIPE))
    monkeypatch.setenv("REELINDEX_MEDIA__WORKERS", "1")
    return ingested().copied_to(tmp_path / "home")


@pytest.fixture
def features(tmp_path: Path) -> Path:
    """Pictures of things at places: a feature is the sum of the two, and so is its caption."""
    random = np.random.default_rng(0)
    directions = {word: random.normal(size=1280) for word in (*THINGS, *PLACES)}
    shown = [(thing, place) for thing in THINGS for place in PLACES] * 4
    rows = [directions[thing] + directions[place] + 0.1 * random.normal(size=1280) for thing, place in shown]
    captions = [f"a {thing} {place}" for thing, place in shown]
    path = tmp_path / "features.npz"
    np.savez(
        path,
        features=np.array(rows, dtype=np.float16),
        captions=np.array(captions),
        labels=np.array([thing for thing, _ in shown]),
    )
    return path


def _trained(home: Home, features: Path, *more: str) -> Called:
    return reelindex_here("train", "--pairs", features, "--name", "things", *more, home=home)


def _lake(home: Home) -> Lake:
    return Lake(home.lake, create=False)


def _files(home: Home) -> list[Path]:
    return sorted(home.adapters.glob("*")) if home.adapters.is_dir() else []


def test_a_head_is_trained_measured_entered_and_named(home: Home, features: Path) -> None:
    called = _trained(home, features, "--json")
    assert called.exit_code == 0, called.err
    outcome: dict[str, Any] = called.document
    (path,) = _files(home)
    assert outcome["reference"] == f'visual = "adapter:{path}"'
    assert outcome["version"] == resolve("visual", f"adapter:{path}").version
    assert outcome["evaluation"]["zero_shot"]["items"] == outcome["evaluation"]["head"]["items"]
    assert 0 <= outcome["evaluation"]["head"]["metrics"]["recall@1"]["mean"] <= 1

    training = Trainings(_lake(home)).find(outcome["version"])
    assert training is not None
    assert training.parent == resolve("visual", "conse").version
    assert training.recipe["epochs"] == 3
    assert [len(member["epochs"]) for member in training.epochs] == [3, 3]
    assert "reelindex" in training.code
    assert training.evaluation == outcome["evaluation"]
    registered = ModelVersions(_lake(home)).find(outcome["version"])
    assert registered is not None
    assert registered.canary
    assert Releases(_lake(home)).live().spaces["visual"] != outcome["version"]
    rows = reelindex_here("sql", "--json", "SELECT version, parent FROM trainings", home=home).document
    assert rows == [{"version": outcome["version"], "parent": training.parent}]

    again = _trained(home, features)
    assert "The same was trained before; nothing was done." in again.out
    assert "To make it the candidate, write under [models]: visual = " in again.out
    assert _files(home) == [path]


def test_a_trained_version_goes_live_like_any_other(
    home: Home, features: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, path = (lambda o: (o["version"], o["path"]))(_trained(home, features, "--json").document)
    monkeypatch.setenv("REELINDEX_MODELS__VISUAL", f"adapter:{path}")
    (stage,) = [
        stage for stage in reelindex_here("plan", "--json", "--no-probe", home=home).document["stages"] if stage["new"]
    ]
    assert stage["version"] == version
    filled = reelindex_here("backfill", "--json", home=home)
    assert filled.exit_code == 0, filled.err
    promoted = reelindex_here("promote", "--waive", "retrieval", "--reason", "test", "--json", home=home)
    assert promoted.document["promoted"], promoted.out
    assert Releases(_lake(home)).live().spaces["visual"] == version
    with open_index(home.lake, cache_dir=home.caches) as index:
        assert index.search("a maze").results
    assert reelindex_here("rollback", "--json", home=home).exit_code == 0
    assert Releases(_lake(home)).live().spaces["visual"] != version


def test_an_interrupted_training_leaves_nothing_half_and_goes_on(home: Home, features: Path) -> None:
    epoch, ran = Run.epoch, []

    def interrupted(run: Run) -> Any:
        ran.append(run)
        if len(ran) == 3:
            raise RuntimeError("the power failed")
        return epoch(run)

    with patch.object(Run, "epoch", interrupted):
        failed = _trained(home, features)
    assert failed.exit_code == 1
    assert "the power failed" in failed.err
    assert _files(home) == []
    assert Trainings(_lake(home)).newest("things") is None

    with patch.object(Run, "epoch", lambda run: ran.append(run) or epoch(run)):
        assert _trained(home, features).exit_code == 0
    # Six epochs in all: two before the power failed, the one it failed in, and four after it.
    assert len(ran) == 2 + 1 + 4
    assert not (home.training / "checkpoints" / "things").exists()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"captions": np.array(["a dog"] * 192)}, "only 1 different ones: nothing tells pictures apart"),
        ({"features": np.full((192, 1280), np.nan, dtype=np.float16)}, "192 of 192 rows of features hold values"),
        (
            {"features": np.ones((5, 1280)), "captions": np.array(list("abcde")), "labels": np.array(list("abcde"))},
            "a head needs at least 64",
        ),
        ({"captions": np.array([["", " "]] * 192)}, "192 rows have no caption; the first is row 0"),
    ],
)
def test_what_nothing_can_be_learnt_from_is_an_error_and_nothing_is_left(
    home: Home, features: Path, changed: dict[str, Any], said: str
) -> None:
    with np.load(features) as content:
        np.savez(features, **(dict(content) | changed))
    called = _trained(home, features)
    assert called.exit_code == 1
    assert said in called.err
    assert "Traceback" not in called.err
    assert _files(home) == []
    assert Trainings(_lake(home)).newest("things") is None
    assert len(ModelVersions(_lake(home)).all()) == 4


def test_bad_names_and_recipes_are_told(home: Home, features: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called = reelindex_here("train", "--pairs", features, "--name", "Bad Name", home=home)
    assert (called.exit_code, "`name` is wrong" in called.err) == (1, True)
    monkeypatch.setenv("REELINDEX_TRAINING__RECIPE", '{"epoch": 3}')
    called = _trained(home, features)
    assert (called.exit_code, "the key `epoch` is wrong" in called.err) == (1, True)
    called = reelindex_here("train", "--tower", "minilm", home=home)
    assert called.exit_code == 1
