"""A training as a whole: once for the same pairs, recipe and code; entered in the lake; evaluated beside its tower."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from encoders.adapter import Adapter, AdapterSpec, Head, load_adapter, resolve_adapter
from encoders.adapter_file import read_header, read_tensors
from encoders.errors import WeightsMissing
from encoders.family import Runtime
from encoders.pictures import attend_by_segment, mean_by_segment, unit
from encoders.protocols import Seen, Vectors
from kernel.progress import Progress
from lake.store import Lake
from lake.trainings import Training, Trainings
from quality.rank_metrics import Difference
from training.errors import NothingTrained
from training.evaluation import Evaluation, Found, evaluate, found_by, found_by_tower, gains
from training.folder import TrainingFolder
from training.leakage import Leakage, near_duplicates
from training.pairs import TrainingSet
from training.placed import pictures_of
from training.recipe import Recipe
from training.robustness import Disturbed, disturbed_queries
from training.source_digest import code_identity
from training.teacher_from_lake import teacher_from_lake
from training.train import train
from training.zero_shot import ZeroShot, classify


@dataclass(frozen=True, slots=True)
class Session:
    """A trained version.

    Attributes:
        spec: What the settings name by `reference`.
        training: Where it comes from.
        is_new: Whether it was trained now, or the same had been trained before.
    """

    spec: AdapterSpec
    training: Training
    is_new: bool

    @property
    def reference(self) -> str:
        """The line of `[models]` that makes it the candidate."""
        return f'visual = "adapter:{self.training.path}"'


@dataclass(frozen=True, eq=False)
class Evaluated:
    """A trained version on the test split of its pairs.

    Attributes:
        training: Where it comes from.
        pairs: What it was trained on.
        head: What it finds.
        tower: What the frozen model that it stands on finds.
        gained: The differences, with 90 % intervals.
        leakage: Test pictures that are nearly training pictures.
        disturbed: What is left when queries are misspelt or shortened.
        zero_shot: Test items named by the nearest class; None where fewer than two classes are known.
        found: The ranks that the numbers sum up.
    """

    training: Training
    pairs: TrainingSet
    head: Evaluation
    tower: Evaluation
    gained: Mapping[str, Difference]
    leakage: Leakage
    disturbed: Sequence[Disturbed]
    zero_shot: ZeroShot | None
    found: Found

    def to_dict(self) -> dict[str, Any]:
        """What is kept in the lake."""
        return {
            "head": self.head.to_dict(),
            "tower": self.tower.to_dict(),
            "gained": {name: [one.mean, one.low, one.high] for name, one in self.gained.items()},
            "leakage": self.leakage.to_dict(),
            "disturbed": [one.to_dict() for one in self.disturbed],
            "zero_shot": self.zero_shot.to_dict() if self.zero_shot else None,
        }


def train_once(
    lake: Lake,
    folder: TrainingFolder,
    recipe: Recipe,
    *,
    name: str,
    adapters: Path,
    teacher: str,
    cache_dir: Path,
    progress: Progress,
) -> Session:
    """Train a head on the pairs gathered last under a name, unless the same was trained before and its file is there.

    Args:
        lake: Where it is entered.
        folder: Of the pairs, and of an interrupted run's state.
        recipe: How.
        name: Of the pairs and of the head.
        adapters: The folder of trained heads.
        teacher: The reference of a stronger encoder that has filled the lake; empty for none.
        cache_dir: Where the sentences' vectors are kept.
        progress: Shows the epochs.

    Raises:
        BadPairs: No pairs were gathered, or nothing can be learnt from them.
        TrainingDiverged, CheckpointMismatch: The run led nowhere, or cannot be gone on with.
        UnknownModel, WeightsMissing: There is no such teacher here, or the tower is another version than the pairs'.
    """
    pairs = folder.open(name)
    known = Trainings(lake).newest(name)
    if known is not None and not teacher and _is_same(known, pairs, recipe):
        spec = _still_there(known)
        if spec is not None:
            return Session(spec, known, is_new=False)
    trained = train(
        pairs,
        recipe,
        name=name,
        adapters=adapters,
        checkpoints=folder.checkpoints(name),
        progress=progress,
        teacher=teacher_from_lake(lake, pairs, teacher, cache_dir=cache_dir) if teacher else None,
    )
    Trainings(lake).enter(trained.training)
    return Session(trained.spec, trained.training, is_new=True)


def evaluate_newest(lake: Lake, folder: TrainingFolder, *, name: str, cache_dir: Path, progress: Progress) -> Evaluated:
    """Measure the head trained last under a name, as its file says it, on the test split of its pairs.

    Raises:
        NothingTrained: None was, or the pairs are no longer those that it was trained on.
        WeightsMissing: Its file is gone.
    """
    training = Trainings(lake).newest(name)
    pairs = folder.open(name)
    if training is None or training.data_fp != pairs.fingerprint():
        raise NothingTrained(
            "no head was trained on the pairs gathered last.", where=name, remedy="Materialise `trained_adapter` first."
        )
    path = Path(training.path)
    model = load_adapter(resolve_adapter(str(path)), Runtime(cache_dir=cache_dir))
    assert isinstance(model, Adapter)
    head = Head(read_tensors(path), read_header(path).words)
    items = place_test_items(head, pairs)
    chosen = pairs.sentences_of(pairs.items("test"))
    sentences = head.place_sentences(
        np.asarray(pairs.sentences[chosen], dtype=np.float32), [pairs.texts[one] for one in chosen]
    )
    found, tower = found_by(pairs, "test", items, sentences), found_by_tower(pairs, "test")
    evaluated = Evaluated(
        training=training,
        pairs=pairs,
        head=evaluate(pairs, found),
        tower=evaluate(pairs, tower),
        gained=gains(found, tower),
        leakage=near_duplicates(pairs),
        disturbed=disturbed_queries(pairs, found, items, model.embed_queries),
        zero_shot=_named(pairs, items, model),
        found=found,
    )
    Trainings(lake).evaluated(training.version, evaluated.to_dict())
    return evaluated


def place_test_items(head: Head, pairs: TrainingSet) -> Vectors:
    """Unit vectors of the test items as the exported head gives them, float32 `(n, dim)`."""
    items = pairs.items("test")
    features, vectors, _ = pictures_of(pairs, items)
    seen = Seen(features.numpy(), vectors.numpy())
    rows, counts = head.place_pictures(seen), pairs.counts[items].tolist()
    return unit(
        attend_by_segment(rows, head.attention(seen), counts) if head.attends else mean_by_segment(rows, counts)
    )


def _named(pairs: TrainingSet, items: Vectors, model: Adapter) -> ZeroShot | None:
    labels = [pairs.labels[item] for item in pairs.items("test")]
    known = [row for row, label in enumerate(labels) if label]
    if len({labels[row] for row in known}) < 2:
        return None
    return classify(items[known], [labels[row] for row in known], model.embed_queries)


def _is_same(known: Training, pairs: TrainingSet, recipe: Recipe) -> bool:
    return (
        known.data_fp == pairs.fingerprint()
        and known.recipe == recipe.model_dump(mode="json")
        and known.code == code_identity()
    )


def _still_there(known: Training) -> AdapterSpec | None:
    try:
        spec = resolve_adapter(known.path)
    except WeightsMissing:
        return None
    return spec if spec.version == known.version else None
