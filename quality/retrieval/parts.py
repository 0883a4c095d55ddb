"""Parts of the questions that may be answered better or worse than the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lake.schema import CAPTIONS, DECODES
from lake.store import Lake, in_list
from quality.retrieval.questions import Question

LEAST = 5
"""Questions that a part needs."""
COMMON = 3
"""Videos that share what they mostly show."""


def parts_of(lake: Lake, asked: Sequence[Question]) -> dict[str, NDArray[np.int64]]:
    """By name, the numbers of the questions in each part that has enough: int64.

    By the kind of the question; by the length of the first video that answers it, against the median; and by whether
    what that video mostly shows is shown by others too.
    """
    answers = [question.wanted[0] for question in asked]
    lengths = _by_video(lake, DECODES.name, "duration_ms", answers)
    known = [lengths[one] for one in answers if one in lengths]
    median = float(np.median(known)) if known else 0.0
    labels = _labels(lake)
    often = Counter(labels.values())
    names = [
        {
            question.kind,
            *((f"{'long' if lengths[answer] > median else 'short'} videos",) if answer in lengths else ()),
            *((f"{'common' if often[labels[answer]] >= COMMON else 'rare'} content",) if answer in labels else ()),
        }
        for question, answer in zip(asked, answers, strict=True)
    ]
    every = sorted({name for several in names for name in several if name})
    parts = {name: np.flatnonzero([name in several for several in names]) for name in every}
    return {name: chosen for name, chosen in parts.items() if LEAST <= len(chosen) < len(asked)}


def _by_video(lake: Lake, table: str, column: str, video_ids: Sequence[str]) -> dict[str, int]:
    rows = lake.read(table, ["video_id", column], in_list("video_id", sorted(set(video_ids))))
    return dict(zip(rows["video_id"].to_pylist(), rows[column].to_pylist(), strict=True))


def _labels(lake: Lake) -> dict[str, str]:
    """What each video mostly shows: the first label of the most of its segments; videos without any are left out."""
    by_video: dict[str, Counter[str]] = {}
    for row in lake.read(CAPTIONS.name, ["video_id", "labels"]).to_pylist():
        if row["labels"]:
            by_video.setdefault(row["video_id"], Counter())[row["labels"][0]["name"]] += 1
    return {video_id: min(counts, key=lambda name: (-counts[name], name)) for video_id, counts in by_video.items()}
