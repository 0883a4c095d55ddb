"""Evidently's own page about two windows: the quantities with their distributions, and a map of the vectors."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from quality.drift.methods import forbid_telemetry
from quality.drift.quantities import LEVEL, METHODS, MIXES, NUMBERS, few_kinds
from quality.drift.windows import Window

if TYPE_CHECKING:
    import pandas as pd

MOST_VIDEOS = 200
"""Of either window: the map (t-SNE) takes a minute of CPU for a thousand."""
PRINCIPAL = 32
"""Directions that the map is drawn from: with all of them the page would hold every vector."""


def write_page(
    path: Path, space: str, windows: tuple[Window, Window], quantities: tuple[pd.DataFrame, pd.DataFrame]
) -> Path:
    """Writes one HTML file that loads nothing from elsewhere, in place of the one before.

    Args:
        path: The file.
        space: Of the vectors.
        windows: The reference and the current one.
        quantities: Of the reference and of the current one.
    """
    forbid_telemetry()
    import pandas as pd
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import ValueDrift
    from evidently.metrics.embeddings import EmbeddingsDrift, ModelDriftMethod

    vectors = _principal(*(window.means[:MOST_VIDEOS] for window in windows))
    columns = [f"{space} {number}" for number in range(vectors[0].shape[1])]
    frames = [
        pd.concat([numbers.head(MOST_VIDEOS).reset_index(drop=True), pd.DataFrame(part, columns=columns)], axis=1)
        for numbers, part in zip(few_kinds(*quantities), vectors, strict=True)
    ]
    definition = DataDefinition(
        numerical_columns=list(NUMBERS), categorical_columns=list(MIXES), embeddings={space: columns}
    )
    level = LEVEL / len(METHODS)
    asked = [
        EmbeddingsDrift(embeddings_name=space, drift_method=ModelDriftMethod()),
        *(ValueDrift(column=name, method=method, threshold=level) for name, method in METHODS.items()),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference, current = (Dataset.from_pandas(frame, definition) for frame in frames)
        snapshot = Report(asked).run(current, reference)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    snapshot.save_html(str(unfinished))
    unfinished.replace(path)
    return path


def _principal(
    reference: np.ndarray[tuple[int, int], np.dtype[np.float32]],
    current: np.ndarray[tuple[int, int], np.dtype[np.float32]],
) -> list[np.ndarray[tuple[int, int], np.dtype[np.float32]]]:
    """Both in the main directions of the reference."""
    centre = reference.mean(axis=0)
    directions = np.linalg.svd(reference - centre, full_matrices=False)[2][:PRINCIPAL]
    return [((part - centre) @ directions.T).astype(np.float32) for part in (reference, current)]
