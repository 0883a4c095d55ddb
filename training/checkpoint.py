"""The state of an interrupted training run on disk."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from training.errors import CheckpointMismatch


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Everything that the rest of a run depends on.

    Attributes:
        identity: Of the pairs, the recipe and the teacher.
        head: The weights in training.
        average: Their running mean.
        best: The mean's state at the best epoch.
        optimiser: Its moments.
        schedule: Of the learning rate.
        steps: Taken so far.
        epochs: What each ended with.
        duration_s: Spent so far.
        trust: In each training sentence, float64 `(s,)`.
    """

    identity: str
    head: dict[str, torch.Tensor]
    average: dict[str, torch.Tensor]
    best: dict[str, torch.Tensor]
    optimiser: dict[str, Any]
    schedule: dict[str, Any]
    steps: int
    epochs: list[dict[str, Any]]
    duration_s: float
    trust: torch.Tensor


def save_checkpoint(path: Path, state: Checkpoint) -> None:
    """Replace the file in one step: a run that dies while it writes leaves the one before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}")
    torch.save({name: getattr(state, name) for name in Checkpoint.__dataclass_fields__}, unfinished)
    unfinished.replace(path)


def load_checkpoint(path: Path, identity: str) -> Checkpoint:
    """The state in a file, if it is of the same run.

    Raises:
        CheckpointMismatch: It cannot be read, or is of other pairs or another recipe.
    """
    try:
        state = Checkpoint(**torch.load(path, weights_only=True))
    except Exception as error:  # whatever the bytes happen to mean to the unpickler
        raise CheckpointMismatch(
            f"this is not the state of a training run ({type(error).__name__}).",
            where=str(path),
            remedy="Remove it to begin again.",
        ) from error
    if state.identity != identity:
        raise CheckpointMismatch(
            "the interrupted run was of other pairs or another recipe.",
            where=str(path),
            remedy="Remove it to begin again, or go back to what was trained.",
        )
    return state
