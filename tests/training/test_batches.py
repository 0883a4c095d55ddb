"""Which pairs meet: every item once, hard ones near, false negatives apart, distrusted sentences rarely."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.synthetic import synthetic
from training.batches import Sampler
from training.recipe import HardNegatives, Recipe


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 60), st.integers(0, 5), st.integers(1, 3))
def test_an_epoch_shows_items_once_with_sentences_of_their_own(batch: int, seed: int, each: int) -> None:
    pairs = synthetic(100, sentences_each=each)
    sampler = Sampler(pairs, Recipe(batch=batch, seed=seed))
    shown = list(sampler.epoch(1))
    assert len(shown) == sampler.steps
    items = np.concatenate([one.items for one in shown])
    assert len(set(items.tolist())) == len(items)
    assert set(items.tolist()) <= set(pairs.items("train").tolist())
    for one in shown:
        assert (pairs.item_of[one.sentences] == one.items).all()
        assert (pairs.item_of[one.partners] == one.items).all()


def test_the_same_seed_and_epoch_draw_the_same_and_another_epoch_does_not() -> None:
    pairs, recipe = synthetic(100), Recipe(batch=20)
    first, again = (list(Sampler(pairs, recipe).epoch(3)) for _ in range(2))
    assert all((a.sentences == b.sentences).all() for a, b in zip(first, again, strict=True))
    other = list(Sampler(pairs, recipe).epoch(4))
    assert any((a.items != b.items).any() for a, b in zip(first, other, strict=True))


def test_distrusted_sentences_are_drawn_rarely() -> None:
    pairs = synthetic(100, sentences_each=2)
    sampler = Sampler(pairs, Recipe(batch=80))
    sampler.trust(np.where(sampler.sentences % 2 == 0, 1.0, 0.05))
    drawn = np.concatenate([one.sentences for epoch in range(50) for one in sampler.epoch(epoch)])
    assert (drawn % 2 == 1).mean() == pytest.approx(0.05 / 1.05, abs=0.02)


def test_sources_are_balanced_within_an_item() -> None:
    pairs = synthetic(100, sentences_each=4)
    source = np.where(np.arange(len(pairs.texts)) % 4 == 0, 1, 0).astype(np.int8)
    mixed = replace(pairs, source=source)
    for balanced, share in ((True, 0.5), (False, 0.25)):
        sampler = Sampler(mixed, Recipe(batch=80, balanced=balanced))
        drawn = np.concatenate([one.sentences for epoch in range(50) for one in sampler.epoch(epoch)])
        assert source[drawn].mean() == pytest.approx(share, abs=0.03)


def _clustered() -> tuple[np.ndarray, np.ndarray]:
    """Vectors in pairs that are nearest to each other, and sentences that are all apart."""
    random = np.random.default_rng(0)
    centres = np.repeat(random.normal(size=(40, 16)), 2, axis=0)
    vectors = centres + 0.01 * random.normal(size=centres.shape)
    sentences = random.normal(size=(80, 64))
    return tuple(  # type: ignore[return-value]
        (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32) for rows in (vectors, sentences)
    )


def _meetings(sampler: Sampler, place: dict[int, int]) -> float:
    """The share of items that meet their twin in a batch."""
    met, seen = 0, 0
    for epoch in range(20):
        for batch in sampler.epoch(epoch):
            places = {place[item] for item in batch.items.tolist()}
            assert len(places) == len(batch.items)
            met += sum((one ^ 1) in places for one in places)
            seen += len(places)
    return met / seen


def test_hard_negatives_meet_and_false_negatives_do_not() -> None:
    pairs = synthetic(80)
    pairs = pairs.with_split(np.zeros(80, dtype=np.int8))
    place = {int(item): number for number, item in enumerate(pairs.items("train"))}
    vectors, sentences = _clustered()
    mined = HardNegatives(share=0.4, neighbours=1)
    random = Sampler(pairs, Recipe(batch=20))
    hard = Sampler(pairs, Recipe(batch=20, hard_negatives=mined))
    hard.mine(vectors, sentences, mined)
    alike = Sampler(pairs, Recipe(batch=20, hard_negatives=mined))
    alike.mine(vectors, np.repeat(sentences[::2], 2, axis=0), mined)
    by_chance = _meetings(random, place)
    assert _meetings(hard, place) > 2 * by_chance
    assert _meetings(alike, place) < 1.5 * by_chance
