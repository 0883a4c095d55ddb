"""What training keeps on disk: the pairs gathered last under a name, and the state of interrupted runs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from training.errors import BadPairs
from training.pairs import TrainingSet, open_training_set, save_training_set


@dataclass(frozen=True, slots=True)
class TrainingFolder:
    """The folder `training` of a home."""

    folder: Path

    def checkpoints(self, name: str) -> Path:
        """Where the state of a run under this name is kept while it lasts."""
        return self.folder / "checkpoints" / name

    def gather(self, name: str, gathered: Callable[[Path], TrainingSet]) -> TrainingSet:
        """Put new pairs in the place of those gathered before under a name, once they are whole.

        Args:
            name: Of the head that they are for.
            gathered: Makes them; it may write arrays into the folder it is given, which exists.

        Raises:
            BadPairs: Nothing can be learnt from them; the ones before stay.
        """
        unfinished = self._sets / f".{name}.{os.getpid()}"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        try:
            pairs = gathered(unfinished)
            pairs.check()
            save_training_set(pairs, unfinished)
            shutil.rmtree(self._sets / name, ignore_errors=True)
            unfinished.replace(self._sets / name)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        return self.open(name)

    def open(self, name: str) -> TrainingSet:
        """The pairs gathered last under a name.

        Raises:
            BadPairs: None were.
        """
        if not (self._sets / name).is_dir():
            raise BadPairs("no pairs were gathered yet.", where=name, remedy="Materialise `training_set` first.")
        return open_training_set(self._sets / name)

    @property
    def _sets(self) -> Path:
        return self.folder / "sets"
