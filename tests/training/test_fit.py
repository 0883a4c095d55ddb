"""Training: it learns, the same every time, goes on where it was stopped, and says when it cannot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kernel.identity import file_digest
from tests.training.synthetic import synthetic
from training.epochs import Epoch
from training.errors import BadRecipe, CheckpointMismatch, TrainingDiverged
from training.export import export_head
from training.fit import Fitted, fit
from training.head import frequent_words
from training.pairs import TrainingSet
from training.placed import place
from training.ranks import ranks_of
from training.recipe import HardNegatives, InfoNce, LinearHead, Noise, Recipe, ResidualHead, SigLip, Words, read_recipe
from training.teachers import Teacher

SMALL = Recipe(
    head=ResidualHead(hidden=64),
    epochs=12,
    batch=64,
    dropout=0.2,
    learning_rate=5e-3,
    averaging=0.8,
    members=1,
    refit=False,
    anchored=False,
)


def _recall_at_1(fitted: Fitted, pairs: TrainingSet) -> float:
    placed = place(fitted.head, pairs, pairs.items("test"))
    return float((ranks_of(placed.sentences, placed.items, placed.wanted) == 1).mean())


def _tower_at_1(pairs: TrainingSet) -> float:
    items = pairs.items("test")
    sentences = pairs.sentences_of(items)
    wanted = np.searchsorted(items, pairs.item_of[sentences])
    return float((ranks_of(pairs.sentences[sentences], pairs.pooled_vectors()[items], wanted) == 1).mean())


@pytest.fixture(scope="module")
def world() -> TrainingSet:
    return synthetic(800, seed=3)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"objective": SigLip(), "epochs": 30},
        {"head": LinearHead()},
        {"hard_negatives": HardNegatives()},
        {"noise": Noise()},
        {"attention": True},
        {"feature_noise": 0.2, "caption_mixing": False, "balanced": False, "words": None},
        {"members": 2},
        {"members": 2, "refit": True, "anchored": True},
    ],
    ids=lambda changed: ",".join(changed) or "plain",
)
def test_it_finds_what_the_tower_does_not(world: TrainingSet, changed: dict[str, Any]) -> None:
    fitted = fit(world, Recipe.model_validate(SMALL.model_dump() | _plain(changed)))
    assert _recall_at_1(fitted, world) > _tower_at_1(world) + 0.1


def _plain(changed: dict[str, Any]) -> dict[str, Any]:
    return {name: value.model_dump() if hasattr(value, "model_dump") else value for name, value in changed.items()}


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(world: TrainingSet, tmp_path: Path) -> None:
    recipe = SMALL.model_copy(update={"epochs": 3})
    digests = [
        file_digest(export_head(fit(world, one).head, world, "own", tmp_path / str(number)))
        for number, one in enumerate([recipe, recipe, recipe.model_copy(update={"seed": 1})])
    ]
    assert digests[0] == digests[1] != digests[2]


class _Stopped(Exception):
    pass


@pytest.mark.parametrize(
    "changed", [{}, {"members": 2}, {"noise": Noise(after=0.2)}, {"members": 2, "refit": True}], ids=str
)
def test_a_run_that_was_stopped_ends_where_it_would_have_ended(
    world: TrainingSet, tmp_path: Path, changed: dict[str, Any]
) -> None:
    recipe = SMALL.model_copy(update={"epochs": 5} | changed)
    whole = fit(world, recipe)
    stops = 0

    def stop(run: int, epoch: Epoch) -> None:
        nonlocal stops
        stops += 1
        if stops % 2 == 0:
            raise _Stopped

    while True:
        try:
            resumed = fit(world, recipe, checkpoints=tmp_path, on_epoch=stop)
            break
        except _Stopped:
            continue
    assert stops == sum(len(run.epochs) for run in whole.runs)
    first, second = (place(one.head, world, np.arange(len(world))) for one in (whole, resumed))
    assert (first.items == second.items).all()
    assert (first.sentences == second.sentences).all()
    assert [run.epochs for run in whole.runs] == [run.epochs for run in resumed.runs]


def test_a_broken_checkpoint_is_named(world: TrainingSet, tmp_path: Path) -> None:
    recipe = SMALL.model_copy(update={"epochs": 1})
    fit(world, recipe, checkpoints=tmp_path)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(b"half a checkpoint")
    with pytest.raises(CheckpointMismatch, match=r"\.checkpoint: this is not the state of a training run"):
        fit(world, recipe, checkpoints=tmp_path)


def test_it_stops_early_and_keeps_the_best_epoch(world: TrainingSet) -> None:
    recipe = SMALL.model_copy(update={"epochs": 60, "patience": 3, "averaging": 0.0, "learning_rate": 0.05})
    (member,) = fit(world, recipe).members
    assert len(member.epochs) < 60
    assert len(member.epochs) - member.best == 3
    recalls = [epoch.val_recall or 0.0 for epoch in member.epochs]
    assert recalls[member.best - 1] == max(recalls)


def test_members_are_trained_on_the_validation_split_for_as_long_as_it_was_good(world: TrainingSet) -> None:
    fitted = fit(world, SMALL.model_copy(update={"members": 2, "refit": True, "patience": 2, "learning_rate": 0.05}))
    assert fitted.selection is not None
    assert fitted.selection.epochs[-1].val_recall is not None
    for member in fitted.members:
        assert len(member.epochs) == member.best == fitted.selection.best
        assert {epoch.val_recall for epoch in member.epochs} == {None}
    known = frequent_words(world.with_split(np.where(world.split == 1, 0, world.split).astype(np.int8)), Words())
    assert fitted.head.vocabulary.words == known != frequent_words(world, Words())


def test_a_loss_that_is_no_number_stops_it(world: TrainingSet) -> None:
    wild = replace(world, features=world.features * np.float32(1e25))
    with pytest.raises(TrainingDiverged, match=r"the loss is nan after \d+ steps"):
        fit(wild, SMALL.model_copy(update={"learning_rate": 1e9}))


def test_noisy_pairs_are_found(world: TrainingSet) -> None:
    random = np.random.default_rng(0)
    swapped = random.random(len(world.texts)) < 0.25
    sentences = world.sentences.copy()
    sentences[swapped] = world.sentences[random.permutation(len(world.texts))][swapped]
    noisy = replace(world, sentences=sentences)
    (member,) = fit(noisy, SMALL.model_copy(update={"noise": Noise(after=0.5), "words": None})).members
    assert member.distrusted == pytest.approx(0.25, abs=0.08)
    (clean,) = fit(world, SMALL.model_copy(update={"noise": Noise(after=0.5), "words": None})).members
    assert clean.distrusted < 0.05


def test_a_teacher_helps_where_pairs_are_poor(world: TrainingSet) -> None:
    """The sentences of training items are swapped at random; a teacher that knows better is listened to."""
    random = np.random.default_rng(0)
    sentences = world.sentences.copy()
    train = world.sentences_of(world.items("train"))
    sentences[train] = sentences[random.permutation(train)]
    poor = replace(world, sentences=sentences)
    alone = fit(poor, SMALL)
    # What the teacher says of a sentence is about what the sentence says, not about the item it was put to.
    items = world.sentences.reshape(len(world), 2, -1).mean(1)
    items /= np.linalg.norm(items, axis=1, keepdims=True)
    teacher = Teacher(items, sentences)
    taught = fit(poor, SMALL.model_copy(update={"distillation": 1.0, "words": None}), teacher=teacher)
    assert _recall_at_1(taught, world) > _recall_at_1(alone, world) + 0.1


def test_a_compatible_head_stays_comparable_with_the_old_space(world: TrainingSet) -> None:
    def across(fitted: Fitted) -> float:
        """How near items are to where the tower itself has their sentences."""
        placed = place(fitted.head, world, world.items("test"))
        return float((placed.items[placed.wanted] * world.sentences[placed.sentence_ids]).sum(1).mean())

    recipe = SMALL.model_copy(update={"epochs": 30, "learning_rate": 0.1, "weight_decay": 0.0})
    apart, together = fit(world, recipe), fit(world, recipe.model_copy(update={"compatibility": 1.0}))
    assert across(together) > across(apart) + 0.02


def test_recipes_are_read_with_errors_that_name_the_key() -> None:
    assert read_recipe({"epochs": 3, "words": None, "head": {"kind": "linear"}}).head == LinearHead()
    assert read_recipe({}).objective == InfoNce()
    assert read_recipe({}).words == Words()
    with pytest.raises(BadRecipe, match=r"`epoch` is wrong: Extra inputs.*Known keys: head"):
        read_recipe({"epoch": 3})
    with pytest.raises(BadRecipe, match=r"`words.dropout` is wrong"):
        read_recipe({"words": {"dropout": 2}})
