"""The trained layers, and that their exported form says the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from encoders.adapter import Head
from encoders.pictures import attend_by_segment, mean_by_segment, unit
from encoders.protocols import Seen
from tests.training.synthetic import synthetic
from training.anchoring import anchored
from training.head import TrainableHead, frequent_words, new_head
from training.merging_heads import merge_heads
from training.pairs import TrainingSet
from training.placed import place
from training.recipe import HeadKind, LinearHead, MlpHead, Recipe, ResidualHead, Words

HEADS: list[HeadKind] = [LinearHead(), MlpHead(hidden=24), ResidualHead(hidden=24)]


def _shaken(recipe: Recipe, pairs: TrainingSet) -> TrainableHead:
    """A head whose every parameter is somewhere: as after training, without the time it takes."""
    head = new_head(recipe, pairs)
    random = torch.Generator().manual_seed(recipe.seed)
    with torch.no_grad():
        for name, value in head.named_parameters():
            if name != "log_scale":
                value.add_(0.1 * torch.randn(value.shape, generator=random))
        if head.words is not None:
            head.words.weight[0] = 0
    return head.eval()


@pytest.mark.parametrize("kind", HEADS, ids=lambda kind: kind.kind)
@pytest.mark.parametrize("attention", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.3])
def test_the_exported_head_places_everything_where_the_trained_one_does(
    kind: HeadKind, attention: bool, share: float
) -> None:
    pairs = synthetic(120, pictures_each=3)
    recipe = Recipe(head=kind, attention=attention, words=Words(min_count=2))
    trained = anchored(_shaken(recipe, pairs), share, 0.8)
    items = np.arange(120)
    placed = place(trained, pairs, items)

    exported = Head(trained.exported(), trained.vocabulary.words)
    seen = Seen(np.ascontiguousarray(pairs.features), np.ascontiguousarray(pairs.vectors))
    rows = exported.place_pictures(seen)
    pooled = attend_by_segment(rows, exported.attention(seen), pairs.counts) if attention else None
    pooled = mean_by_segment(rows, pairs.counts) if pooled is None else pooled
    assert np.allclose(unit(pooled), placed.items, atol=1e-5)
    assert np.allclose(exported.place_sentences(pairs.sentences, pairs.texts), placed.sentences, atol=1e-5)


def test_an_untrained_residual_head_leaves_sentences_where_the_tower_has_them() -> None:
    pairs = synthetic(120)
    head = new_head(Recipe(), pairs).eval()
    assert np.allclose(place(head, pairs, np.arange(120)).sentences, pairs.sentences, atol=1e-6)


def test_features_are_normalised_by_the_training_pictures_alone() -> None:
    pairs = synthetic(200)
    pairs.features[np.repeat(pairs.split != 0, pairs.counts)] += 1000
    head = new_head(Recipe(), pairs)
    train = pairs.features[pairs.split == 0]
    assert np.allclose(head.mean.numpy(), train.mean(0), atol=1e-3)
    assert np.allclose(head.spread.numpy(), train.std(0), rtol=1e-3)


def test_words_are_the_frequent_ones_of_the_training_sentences() -> None:
    pairs = synthetic(200)
    words = frequent_words(pairs, Words(min_count=3, most=5))
    assert words[:4] == ("a", "number", "of", "picture")
    assert len(words) == 5
    rare = {text.split()[-1] for text in pairs.texts}
    assert not rare & set(frequent_words(pairs, Words(min_count=3)))


@pytest.mark.parametrize("kind", HEADS, ids=lambda kind: kind.kind)
@pytest.mark.parametrize("attention", [False, True])
def test_a_merged_head_is_near_the_mean_of_its_members(kind: HeadKind, attention: bool) -> None:
    pairs = synthetic(120, pictures_each=2)
    recipe = Recipe(head=kind, attention=attention, words=Words(min_count=2))
    heads = [_shaken(recipe.model_copy(update={"seed": seed}), pairs) for seed in range(3)]
    merged = place(merge_heads(heads, recipe, pairs), pairs, np.arange(120))
    members = [place(head, pairs, np.arange(120)) for head in heads]
    for name in ("items", "sentences"):
        mean = unit(sum(getattr(member, name) for member in members))
        cosines = (mean * getattr(merged, name)).sum(1)
        assert cosines.mean() > 0.9, (name, cosines.min())


def test_one_member_is_the_head_itself_and_equal_members_merge_to_it() -> None:
    pairs, recipe = synthetic(120), Recipe(head=ResidualHead(hidden=24))
    head = _shaken(recipe, pairs)
    assert merge_heads([head], recipe, pairs) is head
    twice = merge_heads([head, head], recipe, pairs)
    one, two = (place(each, pairs, np.arange(120)) for each in (head, twice))
    assert np.allclose(one.items, two.items, atol=1e-5)
    assert np.allclose(one.sentences, two.sentences, atol=1e-5)
