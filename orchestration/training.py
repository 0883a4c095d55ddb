"""A training from a terminal: the same assets as in the web UI, run in this process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from kernel.progress import Progress
from lake.store import Lake
from lake.trainings import Trainings
from orchestration.in_terminal import run_here
from orchestration.jobs import TRAINING
from settings import Home, Settings, SettingsError
from settings.model import TrainingSettings


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
    """What a training did.

    Attributes:
        run_id: The Dagster run.
        version: Of the head.
        path: The file of its weights.
        reference: The line of `[models]` that makes it the candidate.
        what_happened: Whether it was trained now.
        duration_s: Of the training itself.
        evaluation: What it measured on the test split, beside the tower.
    """

    run_id: str
    version: str
    path: str
    reference: str
    what_happened: str
    duration_s: float
    evaluation: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The contract of `train --json`."""
        return asdict(self)


def train(
    settings: Settings,
    home: Home,
    progress: Progress,
    *,
    pairs: Path | None = None,
    name: str | None = None,
    tower: str | None = None,
) -> TrainingOutcome:
    """Gathers pairs, trains a head and evaluates it.

    Args:
        settings: `[training]` says what on, and how.
        home: Where.
        progress: Shows how far it is.
        pairs: A file, in place of that of the settings.
        name: In place of that of the settings.
        tower: In place of that of the settings.

    Raises:
        RunFailed: It stopped with an error: nothing can be learnt from the pairs, or a model is not here.
        SettingsError: The name is none.
    """
    changed = {"pairs": pairs, "name": name, "tower": tower}
    chosen = _changed(settings, {key: value for key, value in changed.items() if value is not None})
    asked = settings.model_copy(update={"training": chosen})
    run = run_here(TRAINING, asked, home, progress, tags={})
    found = Trainings(Lake(home.lake)).newest(chosen.name)
    assert found is not None  # the run has just entered it
    return TrainingOutcome(
        run_id=run.run_id,
        version=found.version,
        path=found.path,
        reference=f'visual = "adapter:{found.path}"',
        what_happened=str(run.shown["trained_adapter"]["what_happened"].value),
        duration_s=round(found.duration_s, 1),
        evaluation=found.evaluation,
    )


def _changed(settings: Settings, values: Mapping[str, Any]) -> TrainingSettings:
    try:
        return TrainingSettings.model_validate(settings.training.model_dump() | dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(
            f"`{first['loc'][0]}` is wrong: {first['msg']}.",
            where=str(first["input"]),
            remedy="A name is small letters, digits, - and _.",
        ) from error
