"""Several heads of one recipe as one head: the sum of where they place things, for the price of a wider layer.

Members that begin at the tower's own space stay near it, so their vectors can be added; what each has learnt by chance
cancels out. A sum of two-layer networks is a two-layer network whose hidden layers stand side by side. The idea is that
of Lakshminarayanan et al. 2017, "Deep Ensembles", in the linear form that a shared space allows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from training.head import TrainableHead
from training.pairs import TrainingSet
from training.placed import pictures_of, sentences_of
from training.recipe import LinearHead, Recipe

_MEASURED_ITEMS = 2048


def merge_heads(heads: Sequence[TrainableHead], recipe: Recipe, pairs: TrainingSet) -> TrainableHead:
    """One head in evaluation mode that places things where the heads do on average.

    Each is weighed by the inverse of its mean length before normalisation, so that all have the same say.

    Args:
        heads: Of the same recipe, seeds apart, and the same pairs; at least one.
        recipe: Theirs.
        pairs: Theirs.
    """
    if len(heads) == 1:
        return heads[0]
    states = [head.state_dict() for head in heads]
    said = [_lengths(head, pairs) for head in heads]
    of_pictures = [1 / (len(heads) * pictures) for pictures, _ in said]
    of_sentences = [1 / (len(heads) * sentences) for _, sentences in said]
    merged = dict(states[0])
    last = len(heads[0].layers) - 1
    for number in range(last):
        for kind in ("weight", "bias"):
            merged[f"layers.{number}.{kind}"] = torch.cat([state[f"layers.{number}.{kind}"] for state in states])
    side_by_side = [share * state[f"layers.{last}.weight"] for share, state in zip(of_pictures, states, strict=True)]
    merged[f"layers.{last}.weight"] = torch.cat(side_by_side, dim=1) if last else torch.stack(side_by_side).sum(0)
    merged[f"layers.{last}.bias"] = _summed(f"layers.{last}.bias", states, of_pictures)
    if "gain" in merged:
        merged["gain"] = _summed("gain", states, of_pictures)
    for name in ("sentence.weight", "sentence.bias", "words.weight"):
        if name in merged:
            merged[name] = _summed(name, states, of_sentences)
    for name in ("attention", "log_scale", "bias"):
        if name in merged:
            merged[name] = _summed(name, states, [1 / len(heads)] * len(heads))
    wide = recipe if isinstance(recipe.head, LinearHead) else _widened(recipe, len(heads))
    head = TrainableHead(
        wide, merged["mean"], merged["spread"], merged["sentence.bias"].shape[0], heads[0].vocabulary.words
    )
    head.load_state_dict(merged)
    return head.eval()


def _widened(recipe: Recipe, members: int) -> Recipe:
    assert not isinstance(recipe.head, LinearHead)
    head = recipe.head.model_copy(update={"hidden": recipe.head.hidden * members})
    return recipe.model_copy(update={"head": head})


def _summed(name: str, states: Sequence[dict[str, torch.Tensor]], shares: Sequence[float]) -> torch.Tensor:
    return torch.stack([share * state[name] for share, state in zip(shares, states, strict=True)]).sum(0)


def _lengths(head: TrainableHead, pairs: TrainingSet) -> tuple[float, float]:
    """The mean length of pictures' and of sentences' vectors before normalisation."""
    items = pairs.items("train")[:_MEASURED_ITEMS]
    sentences = pairs.sentences_of(items)
    with torch.inference_mode():
        features, vectors, _ = pictures_of(pairs, items)
        pictures = head.picture_rows(features, vectors).norm(dim=1).mean()
        words = head.sentence_rows(sentences_of(pairs, sentences), [pairs.texts[one] for one in sentences])
        return float(pictures), float(np.mean(words.norm(dim=1).numpy()))
