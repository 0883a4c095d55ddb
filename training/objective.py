"""What a step is judged by: the library's contrastive losses, a teacher's similarities, and the old space."""

from __future__ import annotations

import torch
from torch.nn.functional import kl_div, log_softmax, normalize, softmax

from training.head import TrainableHead
from training.recipe import Objective, Recipe
from training.teachers import Seen


def loss_of(head: TrainableHead, recipe: Recipe, seen: Seen, taught: torch.Tensor | None) -> torch.Tensor:
    """The loss of a step, a scalar.

    Args:
        head: In training.
        recipe: Its objective, and the weights of the other parts.
        seen: The batch.
        taught: A teacher's scaled similarities of it, `(b, b)`; None without a teacher.
    """
    items = head.place_items(seen.features, seen.vectors, seen.owner)
    sentences = head.place_sentences(seen.words, seen.texts)
    loss = _contrast(recipe.objective, items, sentences, head)
    if taught is not None and recipe.distillation:
        learnt = head.scale * items @ sentences.T
        loss = (1 - recipe.distillation) * loss + recipe.distillation * _divergence(learnt, taught)
    if recipe.compatibility:
        old = torch.zeros(len(items), seen.vectors.shape[1]).index_add(0, seen.owner, seen.vectors)
        across = _contrast(recipe.objective, items, seen.words, head)
        back = _contrast(recipe.objective, normalize(old, dim=1), sentences, head)
        loss = loss + recipe.compatibility * (across + back) / 2
    return loss


def _contrast(objective: Objective, items: torch.Tensor, sentences: torch.Tensor, head: TrainableHead) -> torch.Tensor:
    from open_clip.loss import ClipLoss, SigLipLoss

    if objective.kind == "siglip":
        loss: torch.Tensor = SigLipLoss()(items, sentences, head.scale, head.bias)
    else:
        loss = ClipLoss()(items, sentences, head.scale)
    return loss


def _divergence(learnt: torch.Tensor, taught: torch.Tensor) -> torch.Tensor:
    """From the teacher's choice among the batch to the head's, in both directions."""
    by_item = kl_div(log_softmax(learnt, 1), softmax(taught, 1), reduction="batchmean")
    by_sentence = kl_div(log_softmax(learnt.T, 1), softmax(taught.T, 1), reduction="batchmean")
    return (by_item + by_sentence) / 2
