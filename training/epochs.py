"""A training run between its epochs: what it draws, what it steps, what it keeps."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch.nn.functional import normalize

from kernel.identity import fingerprint
from training.batches import Batch, Sampler
from training.checkpoint import Checkpoint
from training.errors import TrainingDiverged
from training.head import TrainableHead, new_head
from training.noise import trust_in_pairs
from training.objective import loss_of
from training.pairs import Split, TrainingSet
from training.placed import Placed, pictures_of, place, sentences_of
from training.ranks import ranks_of
from training.recipe import Recipe
from training.teachers import Seen, Teacher

JUDGED_AT = (1, 5, 10)
JUDGED_ITEMS_MAX = 1000
_AVERAGE_WARM_UP = 10


@dataclass(frozen=True, slots=True)
class Epoch:
    """What an epoch ended with.

    Attributes:
        number: From 1.
        loss: Mean over its steps.
        train_recall: Mean of recall at 1, 5 and 10 among as many training items as there are for validation.
        val_recall: The same on the validation split: what the best epoch is chosen by; None where it is trained on.
    """

    number: int
    loss: float
    train_recall: float
    val_recall: float | None


class Run:
    """The state of a run.

    Args:
        pairs: Checked.
        recipe: How.
        teacher: For a recipe with `distillation`.
    """

    def __init__(self, pairs: TrainingSet, recipe: Recipe, teacher: Teacher | None) -> None:
        torch.use_deterministic_algorithms(True)
        self._pairs, self._recipe, self._teacher = pairs, recipe, teacher
        self._sampler = Sampler(pairs, recipe)
        self._head = new_head(recipe, pairs)
        self._optimiser = _optimiser(self._head, recipe)
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimiser, recipe.learning_rate, total_steps=recipe.epochs * self._sampler.steps
        )
        self._steps = 0
        self._average = _copied(self._head)
        self._best = _copied(self._head)
        self._trust = np.ones(len(self._sampler.sentences))
        self.epochs: list[Epoch] = []
        self.duration_s = 0.0
        self.identity = fingerprint([pairs.fingerprint(), recipe.version, teacher.fingerprint if teacher else ""])

    @property
    def done(self) -> bool:
        """Whether all epochs were run, or the last ones brought nothing."""
        ran = len(self.epochs)
        return ran >= self._recipe.epochs or (ran > 0 and ran - self.best >= self._recipe.patience)

    @property
    def best(self) -> int:
        """The number of the best epoch so far, the first of equals; the last one where nothing validates."""
        validated = [(epoch.val_recall, -epoch.number) for epoch in self.epochs if epoch.val_recall is not None]
        return -max(validated)[1] if validated else len(self.epochs)

    @property
    def distrusted(self) -> float:
        """Share of the training sentences that are drawn less than half as often as others."""
        return float((self._trust < 0.5).mean())

    def best_head(self) -> TrainableHead:
        """The head with the weights of the best epoch, in evaluation mode."""
        self._head.load_state_dict(self._best)
        return self._head.eval()

    def epoch(self) -> Epoch:
        """Run one.

        Raises:
            TrainingDiverged: The loss is not a number any more.
        """
        began, number = time.monotonic(), len(self.epochs) + 1
        self._prepare(number)
        # A seed for each epoch: one that goes on from a checkpoint draws what it would have drawn.
        torch.manual_seed(self._recipe.seed * 1_000_003 + number)
        self._head.train()
        losses = [self._step(batch) for batch in self._sampler.epoch(number)]
        self._head.eval()
        trained = _copied(self._head)
        self._head.load_state_dict(self._average)
        epoch = self._judged(number, float(np.mean(losses)))
        self.epochs.append(epoch)
        if self.best == number:
            self._best = _copied(self._head)
        self._head.load_state_dict(trained)
        self.duration_s += time.monotonic() - began
        return epoch

    def state(self) -> Checkpoint:
        """All that the rest of the run depends on."""
        return Checkpoint(
            identity=self.identity,
            head=self._head.state_dict(),
            average=self._average,
            best=self._best,
            optimiser=self._optimiser.state_dict(),
            schedule=self._schedule.state_dict(),
            steps=self._steps,
            epochs=[asdict(epoch) for epoch in self.epochs],
            duration_s=self.duration_s,
            trust=torch.from_numpy(self._trust),
        )

    def go_on_from(self, state: Checkpoint) -> None:
        """Take up an interrupted run of the same identity."""
        self._head.load_state_dict(state.head)
        self._average, self._best = state.average, state.best
        self._optimiser.load_state_dict(state.optimiser)
        self._schedule.load_state_dict(state.schedule)
        self._steps = state.steps
        self.epochs = [Epoch(**epoch) for epoch in state.epochs]
        self.duration_s = state.duration_s
        self._trust = state.trust.numpy()
        self._sampler.trust(self._trust)

    def _prepare(self, number: int) -> None:
        noise, hard = self._recipe.noise, self._recipe.hard_negatives
        if noise is not None and number == self._first_after(noise.after):
            placed = self._placed_training()
            at = np.searchsorted(placed.sentence_ids, self._sampler.sentences)
            alike = (placed.sentences[at] * placed.items[placed.wanted[at]]).sum(1)
            self._trust = trust_in_pairs(alike, floor=noise.floor)
            self._sampler.trust(self._trust)
        if hard is not None and number >= self._first_after(hard.after):
            placed = self._placed_training()
            words = np.zeros((len(placed.item_ids), self._pairs.sentences.shape[1]), dtype=np.float32)
            np.add.at(words, placed.wanted, np.asarray(self._pairs.sentences[placed.sentence_ids], dtype=np.float32))
            words /= np.linalg.norm(words, axis=1, keepdims=True).clip(1e-12)
            self._sampler.mine(placed.items, words, hard)

    def _first_after(self, share: float) -> int:
        return 1 + max(1, round(share * self._recipe.epochs))

    def _placed_training(self) -> Placed:
        trained = _copied(self._head)
        self._head.load_state_dict(self._average)
        self._head.eval()
        placed = place(self._head, self._pairs, self._pairs.items("train"))
        self._head.load_state_dict(trained)
        return placed

    def _step(self, batch: Batch) -> float:
        seen = self._seen(batch)
        taught = self._teacher.similarities(seen) if self._teacher is not None else None
        loss = loss_of(self._head, self._recipe, seen, taught)
        if not torch.isfinite(loss):
            raise TrainingDiverged(
                f"the loss is {loss.item()} after {self._steps} steps.",
                remedy="Lower `learning_rate`, and look for features of extreme size.",
            )
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        self._schedule.step()
        self._steps += 1
        # Short at first: the mean of a run that has just begun is mostly its start.
        decay = min(self._recipe.averaging, self._steps / (self._steps + _AVERAGE_WARM_UP))
        for name, value in self._head.state_dict().items():
            self._average[name].lerp_(value, 1 - decay if self._recipe.averaging else 1.0)
        return loss.item()

    def _seen(self, batch: Batch) -> Seen:
        pairs, recipe = self._pairs, self._recipe
        features, vectors, owner = pictures_of(pairs, batch.items)
        if recipe.feature_noise:
            features = features + recipe.feature_noise * self._head.spread * torch.randn(features.shape)
        texts = [pairs.texts[sentence] for sentence in batch.sentences]
        words, partners = sentences_of(pairs, batch.sentences), batch.sentences
        if recipe.caption_mixing:
            partners = batch.partners
            words = normalize(words + sentences_of(pairs, partners), dim=1)
            texts = [f"{text} {pairs.texts[partner]}" for text, partner in zip(texts, partners, strict=True)]
        return Seen(batch.items, batch.sentences, partners, features, vectors, owner, words, texts)

    def _judged(self, number: int, loss: float) -> Epoch:
        validating = len(self._pairs.items("val"))
        most = min(JUDGED_ITEMS_MAX, validating or JUDGED_ITEMS_MAX)
        return Epoch(number, loss, self._recall("train", most), self._recall("val", most) if validating else None)

    def _recall(self, split: Split, most: int) -> float:
        placed = place(self._head, self._pairs, self._pairs.items(split)[:most])
        ranks = ranks_of(placed.sentences, placed.items, placed.wanted)
        return float(np.mean([(ranks <= at).mean() for at in JUDGED_AT]))


def _copied(head: TrainableHead) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in head.state_dict().items()}


def _optimiser(head: TrainableHead, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW; gains, biases, scales and words are not pulled towards zero: a rare word would be forgotten."""
    decayed = [value for name, value in head.named_parameters() if value.ndim > 1 and not name.startswith("words.")]
    others = [value for name, value in head.named_parameters() if value.ndim < 2 or name.startswith("words.")]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate)
