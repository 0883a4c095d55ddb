"""A trained head as a file that the family `adapter` loads: nothing of the training is needed any more."""

from __future__ import annotations

import os
from pathlib import Path

from encoders.adapter_file import SUFFIX, AdapterHeader, write_head
from kernel.identity import file_digest
from training.head import TrainableHead
from training.pairs import TrainingSet

_DIGITS = 12


def export_head(head: TrainableHead, pairs: TrainingSet, name: str, folder: Path) -> Path:
    """Write a head under a name that says what is in it: `<name>-<12 hex of its bytes>.safetensors`.

    The same head gives the same file; another one never takes its place, so a version that is live keeps its weights.

    Returns:
        The file.
    """
    header = AdapterHeader(
        name=name,
        tower=pairs.tower,
        tower_version=pairs.tower_version,
        pooling="mean-of-keyframes" if head.attention is None else "attention-over-keyframes",
        dim=head.dim,
        words=head.vocabulary.words,
    )
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{name}.{os.getpid()}"
    write_head(unfinished, header, head.exported())
    path = folder / f"{name}-{file_digest(unfinished)[:_DIGITS]}{SUFFIX}"
    unfinished.replace(path)
    return path
