"""From pairs to a version: trained, written to a file, entered with where it comes from."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from encoders.adapter import AdapterSpec, resolve_adapter
from kernel.progress import Progress
from lake.trainings import Training, now
from training.export import export_head
from training.fit import Fitted, fit, runs_of
from training.pairs import TrainingSet
from training.recipe import Recipe
from training.source_digest import code_identity
from training.teachers import Teacher


@dataclass(frozen=True, eq=False)
class Trained:
    """A new version and how it was made.

    Attributes:
        spec: What the settings name by `adapter:<path>`.
        path: The file of the head.
        fitted: The head and its curves.
        training: The entry for the lake.
    """

    spec: AdapterSpec
    path: Path
    fitted: Fitted
    training: Training


def train(
    pairs: TrainingSet,
    recipe: Recipe,
    *,
    name: str,
    adapters: Path,
    checkpoints: Path,
    progress: Progress,
    teacher: Teacher | None = None,
) -> Trained:
    """Train a head and write it.

    Args:
        pairs: What to learn from.
        recipe: How.
        name: What people will call it.
        adapters: The folder of trained heads.
        checkpoints: A folder of this name's own; removed when the head is written.
        progress: Shows the epochs.
        teacher: What is learnt from beside the pairs.

    Raises:
        BadPairs: Nothing can be learnt from them.
        TrainingDiverged: The loss is not a number any more.
        CheckpointMismatch: An interrupted run's state cannot be read.
        WeightsMissing: The tower is another version than that of the pairs.
    """
    with progress.task(f"training {name}", runs_of(recipe) * recipe.epochs, "epochs") as advance:
        fitted = fit(pairs, recipe, teacher=teacher, checkpoints=checkpoints, on_epoch=lambda run, epoch: advance(1))
    path = export_head(fitted.head, pairs, name, adapters)
    spec = resolve_adapter(str(path))
    shutil.rmtree(checkpoints, ignore_errors=True)
    return Trained(spec, path, fitted, _entry(spec, path, pairs, recipe, fitted))


def _entry(spec: AdapterSpec, path: Path, pairs: TrainingSet, recipe: Recipe, fitted: Fitted) -> Training:
    return Training(
        version=spec.version,
        name=spec.model,
        path=str(path),
        parent=spec.tower.version,
        data_fp=pairs.fingerprint(),
        data=pairs.counted(),
        recipe=recipe.model_dump(mode="json"),
        seed=recipe.seed,
        code=code_identity(),
        epochs=[asdict(run) for run in fitted.runs],
        anchor=asdict(fitted.anchor) if fitted.anchor else {},
        evaluation={},
        duration_s=fitted.duration_s,
        trained_at=now(),
    )
