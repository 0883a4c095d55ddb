"""What a person understands of a video, compared between the windows: each by a test of its own, from Evidently.

The level is divided by the number of tests (Bonferroni), so that one false alarm in a hundred looks is what all of them
make together.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kernel.errors import ReelindexError
from lake.schema import CAPTIONS, DECODES, TRANSCRIPTS
from lake.store import Lake, in_list
from quality.drift.methods import forbid_telemetry
from quality.drift.windows import Window

if TYPE_CHECKING:
    import pandas as pd

LEVEL = 0.01
MOST_KINDS = 5
"""Kinds of a mix that are told apart; a test of many rare kinds is wrong with few videos."""
OTHER = "other"
NUMBERS = ("similarity_to_centre", "duration_s", "speech_share")
MIXES = ("language", "top_label")
METHODS = dict.fromkeys(NUMBERS, "ks") | dict.fromkeys(MIXES, "TVD")
"""Kolmogorov and Smirnov's test for numbers; for mixes the total variation distance under permutations. Evidently's
chi-square takes the shares of the reference for the truth: between two samples of one population of six kinds, 32 and
16 videos, it found a p-value under 0.01 in 38 of 100 trials."""


class QuantityNotComputed(ReelindexError):
    """Evidently gave no number for a quantity: this says nothing about the videos."""


@dataclass(frozen=True, slots=True)
class QuantityDrift:
    """One quantity: the p-value that it is the same in both windows, and what it is in either, in words."""

    quantity: str
    p_value: float
    level: float
    reference: str
    current: str

    @property
    def has_drifted(self) -> bool:
        """Whether the p-value is under its level."""
        return self.p_value < self.level


def quantities(lake: Lake, window: Window, centre: NDArray[np.float32]) -> pd.DataFrame:
    """One row a video of the window: the columns `NUMBERS` and `MIXES`.

    Args:
        lake: Where transcripts and captions are.
        window: The videos.
        centre: float32 `(dim,)`, the centre of the reference.
    """
    import pandas as pd

    where = in_list("video_id", window.video_ids)
    duration_ms = _column(lake, DECODES.name, "duration_ms", where)
    transcripts = {
        row["video_id"]: row
        for row in lake.read(TRANSCRIPTS.name, ["video_id", "language", "words"], where).to_pylist()
    }
    labels: dict[str, Counter[str]] = {}
    for row in lake.read(CAPTIONS.name, ["video_id", "labels"], where).to_pylist():
        labels.setdefault(row["video_id"], Counter()).update(label["name"] for label in row["labels"][:1])
    rows = []
    for video_id, mean in zip(window.video_ids, window.means, strict=True):
        transcript = transcripts.get(video_id)
        spoken_ms = sum(word["end_ms"] - word["start_ms"] for word in transcript["words"]) if transcript else 0
        most = labels.get(video_id, Counter()).most_common(1)
        rows.append(
            {
                "similarity_to_centre": float(mean @ centre),
                "duration_s": duration_ms.get(video_id, 0) / 1000,
                "speech_share": spoken_ms / max(duration_ms.get(video_id, 0), 1),
                "language": transcript["language"] if transcript and transcript["words"] else "no speech",
                "top_label": most[0][0] if most else "no label",
            }
        )
    return pd.DataFrame(rows, columns=[*NUMBERS, *MIXES])


def centre_of(means: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean direction, of length 1."""
    mean = means.mean(axis=0)
    centre: NDArray[np.float32] = (mean / max(float(np.linalg.norm(mean)), 1e-12)).astype(np.float32)
    return centre


def compare(reference: pd.DataFrame, current: pd.DataFrame) -> list[QuantityDrift]:
    """Every quantity, in the order of `NUMBERS` and `MIXES`.

    Raises:
        QuantityNotComputed: Evidently gave no p-value.
    """
    forbid_telemetry()
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import ValueDrift

    level = LEVEL / len(METHODS)
    reference, current = few_kinds(reference, current)
    asked = {name: ValueDrift(column=name, method=METHODS[name], threshold=level) for name in METHODS}
    definition = DataDefinition(numerical_columns=list(NUMBERS), categorical_columns=list(MIXES))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        snapshot = Report(list(asked.values())).run(
            Dataset.from_pandas(current, definition), Dataset.from_pandas(reference, definition)
        )
    values: list[Any] = [one["value"] for one in snapshot.dict()["metrics"]]
    return [
        QuantityDrift(name, _p_value(name, value), level, _in_words(reference[name]), _in_words(current[name]))
        for name, value in zip(asked, values, strict=True)
    ]


def few_kinds(reference: pd.DataFrame, current: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The frames with all but the commonest kinds of a mix called `other`. Common means: in both windows together."""
    import pandas as pd

    both = pd.concat([reference, current])
    kept = {name: set(both[name].value_counts().index[:MOST_KINDS]) for name in MIXES}

    def folded(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(**{name: frame[name].where(frame[name].isin(kept[name]), OTHER) for name in MIXES})

    return folded(reference), folded(current)


def _p_value(name: str, value: Any) -> float:
    p_value = float(value)
    if not 0 <= p_value <= 1:
        raise QuantityNotComputed(f"there is no p-value: {value}.", where=name)
    return p_value


def _column(lake: Lake, table: str, column: str, where: str) -> dict[str, Any]:
    return {row["video_id"]: row[column] for row in lake.read(table, ["video_id", column], where).to_pylist()}


def _in_words(values: Sequence[Any] | pd.Series[Any]) -> str:
    import pandas as pd

    series = pd.Series(values)
    if pd.api.types.is_numeric_dtype(series):
        low, middle, high = series.quantile([0.1, 0.5, 0.9])
        return f"median {middle:.3g} (80 % from {low:.3g} to {high:.3g})"
    shares = series.value_counts(normalize=True)
    return ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
