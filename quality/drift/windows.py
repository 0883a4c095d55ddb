"""Two windows on a version's vectors: the videos of the reference, and those that came after it.

A video is one row: the mean of its segments' vectors. Segments of one video are alike, and a test that takes them for
independent sees drift between any two sets of videos.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lake.schema import VIDEOS
from lake.store import Lake, in_list
from lake.vectors import rows_of

REFERENCE_MOST = 512
"""Videos of the reference that are looked at: more costs time and changes the thresholds little."""
REFERENCE_LEAST = 32
CURRENT_SIZES = (16, 32, 64, 128, 256)
"""How many of the newest videos are looked at. A few sizes, so that thresholds can be measured once for each."""


@dataclass(frozen=True, slots=True)
class Window:
    """Some videos: `means` is float32 `(videos, dim)`, each row of length 1."""

    video_ids: tuple[str, ...]
    means: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.video_ids)


@dataclass(frozen=True, slots=True)
class Membership:
    """Which videos are on which side.

    Attributes:
        reference: Up to `REFERENCE_MOST` of those first seen until then: those with the lowest ids, which are digests,
            so that it is the same sample at every look.
        current: The newest of those that came later, the newest first.
        references, later: How many there are of each.
    """

    reference: tuple[str, ...]
    current: tuple[str, ...]
    references: int
    later: int


def membership(lake: Lake, table: str, until: datetime) -> Membership:
    """The two sides of a version's table."""
    with_vectors = pc.unique(lake.read(table, ["video_id"])["video_id"])
    videos = lake.read(VIDEOS.name, ["video_id", "first_seen_at"])
    videos = videos.filter(pc.is_in(videos["video_id"], value_set=with_vectors))
    is_reference = pc.less_equal(videos["first_seen_at"], pa.scalar(until, videos.schema.field("first_seen_at").type))
    references = sorted(videos.filter(is_reference)["video_id"].to_pylist())
    later = videos.filter(pc.invert(is_reference)).sort_by([("first_seen_at", "descending"), ("video_id", "ascending")])
    chosen = tuple(references[:REFERENCE_MOST])
    size = current_size(len(chosen), later.num_rows)
    return Membership(chosen, tuple(later["video_id"].slice(0, size or 0).to_pylist()), len(references), later.num_rows)


def current_size(references: int, later: int) -> int | None:
    """How many current videos can be judged: half of the reference at most. None where there are too few."""
    if references < REFERENCE_LEAST:
        return None
    return max((size for size in CURRENT_SIZES if size <= min(later, references // 2)), default=None)


def window(lake: Lake, table: str, video_ids: Sequence[str]) -> Window:
    """The mean vectors of some videos, in this order."""
    rows = lake.read(table, ["video_id", "vector"], in_list("video_id", video_ids))
    vectors = rows_of(rows["vector"])
    places = pc.index_in(rows["video_id"], value_set=pa.array(video_ids, pa.string())).to_numpy()
    sums = np.zeros((len(video_ids), vectors.shape[1]))
    np.add.at(sums, places, vectors)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return Window(tuple(video_ids), (sums / np.where(lengths > 0, lengths, 1)).astype(np.float32))
