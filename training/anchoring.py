"""As much of the frozen tower as costs nothing: what a head learnt holds on data like its own, the tower elsewhere too.

Source: Wortsman et al. 2022, "Robust fine-tuning of zero-shot models": the old model beside the new one, in outputs
and in weights, gives up little at home and gains much away from it. How much is decided on the validation split alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from training.head import TrainableHead
from training.pairs import TrainingSet
from training.placed import place
from training.ranks import ranks_of

SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0)
KEPT = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
JUDGED_AT = (1, 5, 10)


@dataclass(frozen=True, slots=True)
class Anchor:
    """How near a head stays to its tower.

    Attributes:
        share: Weight of the tower's own similarity beside the head's.
        kept: How much of what the head's layers have learnt remains in them; the rest is where they began.
        val_recall: Mean of recall at 1, 5 and 10 on the validation split with both.
        val_recall_alone: The same of the head as it was trained.
    """

    share: float
    kept: float
    val_recall: float
    val_recall_alone: float


def choose_anchor(head: TrainableHead, pairs: TrainingSet) -> Anchor:
    """The largest share, and then the smallest part kept, with which the validation split finds no less than without.

    Args:
        head: Not trained on the validation split.
        pairs: Whose validation split decides.
    """
    alone = _val_recall(head, pairs)
    share = max(share for share in SHARES if _val_recall(anchored(head, share, 1.0), pairs) >= alone)
    # Layers that were not added to the tower's vector began nowhere: there is nothing to go back to.
    choices = KEPT if head.gain is not None else KEPT[:1]
    kept = min(kept for kept in choices if _val_recall(anchored(head, share, kept), pairs) >= alone)
    return Anchor(share, kept, _val_recall(anchored(head, share, kept), pairs), alone)


def anchored(head: TrainableHead, share: float, kept: float) -> TrainableHead:
    """A copy of a head in evaluation mode that stays so near to its tower."""
    near = head.copied()
    # The tensors of a state are those of the module: what is changed in one is changed in the other.
    state, last = near.state_dict(), len(near.layers) - 1
    state["share"].fill_(share)
    if head.gain is not None:
        for name in (f"layers.{last}.weight", f"layers.{last}.bias", "sentence.bias", "words.weight"):
            if name in state:
                state[name].mul_(kept)
        # The identity, at the scale that it has grown or shrunk to in training.
        sentence = state["sentence.weight"]
        sentence.lerp_(torch.eye(len(sentence)) * sentence.diagonal().mean(), 1 - kept)
    return near.eval()


def _val_recall(head: TrainableHead, pairs: TrainingSet) -> float:
    placed = place(head, pairs, pairs.items("val"))
    ranks = ranks_of(placed.sentences, placed.items, placed.wanted)
    return float(np.mean([(ranks <= at).mean() for at in JUDGED_AT]))
