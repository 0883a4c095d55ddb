"""Heads that stay near their tower: by as much as costs nothing, and with a similarity that is the sum of both."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.training.synthetic import synthetic
from training.anchoring import anchored, choose_anchor
from training.fit import fit
from training.pairs import TrainingSet
from training.placed import place
from training.ranks import ranks_of
from training.recipe import LinearHead, Recipe, ResidualHead

SMALL = Recipe(
    head=ResidualHead(hidden=64), epochs=12, batch=64, learning_rate=5e-3, averaging=0.8, members=1, refit=False
)


@pytest.fixture(scope="module")
def world() -> TrainingSet:
    return synthetic(800, seed=3)


def _recall(head: object, pairs: TrainingSet, split: str = "val") -> float:
    placed = place(head, pairs, pairs.items(split))  # type: ignore[arg-type]
    ranks = ranks_of(placed.sentences, placed.items, placed.wanted)
    return float(np.mean([(ranks <= at).mean() for at in (1, 5, 10)]))


def test_the_similarity_is_the_sum_of_the_heads_and_the_towers(world: TrainingSet) -> None:
    head = fit(world, SMALL.model_copy(update={"anchored": False})).head
    items = world.items("test")
    alone, beside = (place(one, world, items) for one in (head, anchored(head, 0.3, 1.0)))
    assert beside.items.shape[1] == 2 * alone.items.shape[1] == anchored(head, 0.3, 1.0).dim
    old = world.sentences[alone.sentence_ids] @ world.pooled_vectors()[items].T
    expected = (alone.sentences @ alone.items.T + 0.3 * old) / 1.3
    assert np.allclose(beside.sentences @ beside.items.T, expected, atol=1e-5)


def test_nothing_kept_is_the_tower_and_all_kept_is_the_head(world: TrainingSet) -> None:
    head = fit(world, SMALL.model_copy(update={"anchored": False})).head
    before = {name: value.clone() for name, value in head.state_dict().items()}
    items = world.items("test")
    same, gone = place(anchored(head, 0.0, 1.0), world, items), place(anchored(head, 0.0, 0.0), world, items)
    assert np.array_equal(same.items, place(head, world, items).items)
    assert np.allclose(gone.items, world.pooled_vectors()[items], atol=1e-5)
    assert np.allclose(gone.sentences, world.sentences[gone.sentence_ids], atol=1e-5)
    assert all(torch.equal(before[name], value) for name, value in head.state_dict().items())


def test_what_is_chosen_costs_nothing_in_validation(world: TrainingSet) -> None:
    fitted = fit(world, SMALL)
    alone = fit(world, SMALL.model_copy(update={"anchored": False}))
    assert alone.anchor is None
    assert fitted.anchor is not None
    assert fitted.anchor.val_recall >= fitted.anchor.val_recall_alone == pytest.approx(_recall(alone.head, world))
    assert _recall(fitted.head, world) == pytest.approx(fitted.anchor.val_recall)


def test_a_useless_tower_gets_no_share(world: TrainingSet) -> None:
    random = np.random.default_rng(0)
    vectors = random.normal(size=world.vectors.shape).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    useless = TrainingSet(**{**vars(world), "vectors": vectors})
    head = fit(useless, SMALL.model_copy(update={"anchored": False, "head": LinearHead()})).head
    anchor = choose_anchor(head, useless)
    assert anchor.share <= 0.2
    assert anchor.kept == 1.0
