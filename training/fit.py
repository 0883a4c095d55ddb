"""Training a head: from pairs and a recipe to weights, with curves; resumable, and the same every time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from training.anchoring import Anchor, anchored, choose_anchor
from training.checkpoint import load_checkpoint, save_checkpoint
from training.epochs import Epoch, Run
from training.head import TrainableHead
from training.merging_heads import merge_heads
from training.pairs import SPLITS, TrainingSet
from training.recipe import Recipe
from training.teachers import Teacher

OnEpoch: TypeAlias = Callable[[int, Epoch], None]
"""Called with the number of the run, from 1, and what its epoch ended with."""


@dataclass(frozen=True, slots=True)
class Member:
    """How one of the heads came about.

    Attributes:
        seed: Its own.
        epochs: All that were run.
        best: The number of the one whose weights were kept.
        duration_s: Of the whole, earlier parts of an interrupted run included.
        distrusted: Share of the training sentences that are drawn less than half as often as others.
    """

    seed: int
    epochs: tuple[Epoch, ...]
    best: int
    duration_s: float
    distrusted: float


@dataclass(frozen=True, eq=False)
class Fitted:
    """A trained head, in evaluation mode, and how it came about.

    Attributes:
        head: The members merged.
        members: The heads that it is made of.
        selection: The run that told how many epochs are good, where the members were trained on the validation split.
        anchor: How near it stays to its tower; None where nothing was asked to.
    """

    head: TrainableHead
    members: tuple[Member, ...]
    selection: Member | None
    anchor: Anchor | None

    @property
    def duration_s(self) -> float:
        """Of all runs."""
        return sum(run.duration_s for run in self.runs)

    @property
    def runs(self) -> tuple[Member, ...]:
        """The selection, if there was one, and the members."""
        return self.members if self.selection is None else (self.selection, *self.members)


def runs_of(recipe: Recipe) -> int:
    """How many runs a recipe takes."""
    return recipe.members + recipe.refit


def fit(
    pairs: TrainingSet,
    recipe: Recipe,
    *,
    teacher: Teacher | None = None,
    checkpoints: Path | None = None,
    on_epoch: OnEpoch | None = None,
) -> Fitted:
    """Train the members of a recipe and merge them.

    Args:
        pairs: What to learn from; checked first.
        recipe: How.
        teacher: What is learnt from beside the pairs, for a recipe with `distillation`.
        checkpoints: A folder for the state after each epoch. A run that finds one of the same pairs, recipe and
            teacher goes on from it, and ends with the weights that it would have had.
        on_epoch: Called after each.

    Raises:
        BadPairs: Nothing can be learnt from them.
        TrainingDiverged: The loss is not a number any more.
        CheckpointMismatch: A checkpoint cannot be read.
    """
    pairs.check()
    trainer = _Trainer(teacher, checkpoints, on_epoch)
    unvalidated, selection, every, epochs = None, None, pairs, recipe.epochs
    if recipe.refit:
        unvalidated, selection = trainer.train(pairs, _alone(recipe, 0), 1)
        every, epochs = _with_validation(pairs), selection.best
    trained = [
        trainer.train(every, _alone(recipe, number).model_copy(update={"epochs": epochs}), number + 1 + recipe.refit)
        for number in range(recipe.members)
    ]
    head = merge_heads([head for head, _ in trained], recipe, every)
    anchor = choose_anchor(unvalidated or head, pairs) if recipe.anchored else None
    if anchor is not None:
        head = anchored(head, anchor.share, anchor.kept)
    return Fitted(head, tuple(member for _, member in trained), selection, anchor)


def _alone(recipe: Recipe, number: int) -> Recipe:
    return recipe.model_copy(update={"members": 1, "refit": False, "seed": recipe.seed + number})


def _with_validation(pairs: TrainingSet) -> TrainingSet:
    train, val = SPLITS.index("train"), SPLITS.index("val")
    return pairs.with_split(np.where(pairs.split == val, train, pairs.split).astype(np.int8))


@dataclass(frozen=True, eq=False)
class _Trainer:
    """What all runs of a training have in common."""

    teacher: Teacher | None
    checkpoints: Path | None
    on_epoch: OnEpoch | None

    def train(self, pairs: TrainingSet, recipe: Recipe, number: int) -> tuple[TrainableHead, Member]:
        run = Run(pairs, recipe, self.teacher)
        kept = self.checkpoints / f"{run.identity}.checkpoint" if self.checkpoints is not None else None
        if kept is not None and kept.is_file():
            run.go_on_from(load_checkpoint(kept, run.identity))
        while not run.done:
            epoch = run.epoch()
            if kept is not None:
                save_checkpoint(kept, run.state())
            if self.on_epoch is not None:
                self.on_epoch(number, epoch)
        return run.best_head(), Member(recipe.seed, tuple(run.epochs), run.best, run.duration_s, run.distrusted)
