"""What two versions make of the same segments: who is near whom, and what moved.

Two versions are two spaces: a test of their distributions always finds them different, and says nothing. What can be
compared is the geometry inside each: the neighbours of a segment, and the order of all similarities (representational
similarity analysis, Kriegeskorte et al. 2008).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lake.releases import Releases
from lake.schema import Space, vectors_table_name
from lake.store import Lake
from lake.vectors import Vectors
from quality.stored_vectors import sampled, stored_vectors

SAMPLE_MOST = 2000
"""Segments: the work grows with the square."""
SAMPLE_LEAST = 12
PAIRS_RANKED = 200_000
NEIGHBOURS = 10
MOVED_MOST = 8


@dataclass(frozen=True, slots=True)
class Moved:
    """A video whose segments have other neighbours now: `overlap` is the mean share of neighbours that stayed."""

    video_id: str
    overlap: float
    segments: int


@dataclass(frozen=True, slots=True)
class AcrossVersions:
    """The same segments in two versions.

    Attributes:
        space, before, after: The two versions.
        segments: How many were compared: those that both have, made from the same input; a sample if there are many.
        neighbours: How many neighbours of each were looked at, in other videos.
        overlap: The mean share of neighbours that both have.
        overlap_by_chance: What two unrelated spaces would have.
        rank_correlation: Spearman's coefficient of all similarities between segments of different videos.
        moved: The videos whose neighbours changed most, the most changed first.
    """

    space: Space
    before: str
    after: str
    segments: int
    neighbours: int
    overlap: float
    overlap_by_chance: float
    rank_correlation: float
    moved: tuple[Moved, ...]


def versions_to_compare(lake: Lake, space: Space, configured: str) -> tuple[str, str] | None:
    """The live version and the configured one; where they are the same, the version that was live before and this one.

    None where there is no second one with vectors.
    """
    spaces = [release.spaces.get(space) for release in Releases(lake).all()]
    live = spaces[-1] if spaces else None
    if live is None:
        return None
    former = [one for one in reversed(spaces) if one not in (live, None)]
    pairs = [(live, configured)] if configured != live else []
    pairs += [(one, live) for one in former if one]
    return next((pair for pair in pairs if all(_has_rows(lake, space, one) for one in pair)), None)


def compare_versions(lake: Lake, space: Space, before: str, after: str) -> AcrossVersions | None:
    """Compares two versions on the segments that both have; None where those are too few to say anything."""
    shared = _shared(lake, space, before, after)
    if len(shared) < SAMPLE_LEAST:
        return None
    videos = np.array([segment_id.partition("-")[0] for segment_id in shared])
    other_video = videos[:, None] != videos[None, :]
    neighbours = min(NEIGHBOURS, int(other_video.sum(axis=1).min()))
    if not neighbours:
        return None
    former, latter = (_similarities(lake, space, version, shared) for version in (before, after))
    overlaps = _overlaps(_nearest(former, other_video, neighbours), _nearest(latter, other_video, neighbours))
    return AcrossVersions(
        space=space,
        before=before,
        after=after,
        segments=len(shared),
        neighbours=neighbours,
        overlap=float(overlaps.mean()),
        overlap_by_chance=float((neighbours / other_video.sum(axis=1)).mean()),
        rank_correlation=_rank_correlation(former, latter, other_video),
        moved=_moved(videos, overlaps),
    )


def _has_rows(lake: Lake, space: Space, version: str) -> bool:
    name = vectors_table_name(space, version)
    return lake.has_table(name) and lake.count(name) > 0


def _shared(lake: Lake, space: Space, before: str, after: str) -> list[str]:
    """A sample: the same at every look, and of all videos alike."""
    inputs = []
    for version in (before, after):
        rows = lake.read(vectors_table_name(space, version), ["segment_id", "input_fp"])
        inputs.append(dict(zip(rows["segment_id"].to_pylist(), rows["input_fp"].to_pylist(), strict=True)))
    return sampled([one for one, fp in inputs[0].items() if inputs[1].get(one) == fp], SAMPLE_MOST)


def _similarities(lake: Lake, space: Space, version: str, segment_ids: list[str]) -> Vectors:
    """Cosines, float32 `(n, n)`, in the order of `segment_ids`."""
    matrix = stored_vectors(lake, space, version, segment_ids)
    similarities: Vectors = matrix @ matrix.T
    return similarities


def _nearest(similarities: Vectors, allowed: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
    """The places of the most similar others, int64 `(n, count)`."""
    masked = np.where(allowed, similarities, -np.inf)
    nearest: NDArray[np.int64] = np.argpartition(-masked, count - 1, axis=1)[:, :count]
    return nearest


def _overlaps(before: NDArray[np.int64], after: NDArray[np.int64]) -> NDArray[np.float64]:
    shared = (before[:, :, None] == after[:, None, :]).any(axis=2)
    overlaps: NDArray[np.float64] = shared.mean(axis=1)
    return overlaps


def _rank_correlation(before: Vectors, after: Vectors, allowed: NDArray[np.bool_]) -> float:
    from scipy.stats import rankdata

    rows, columns = np.nonzero(np.triu(allowed, 1))
    if len(rows) > PAIRS_RANKED:
        chosen = np.random.default_rng(0).choice(len(rows), PAIRS_RANKED, replace=False)
        rows, columns = rows[chosen], columns[chosen]
    ranks = [rankdata(one[rows, columns]) for one in (before, after)]
    return float(np.corrcoef(*ranks)[0, 1])


def _moved(videos: NDArray[np.str_], overlaps: NDArray[np.float64]) -> tuple[Moved, ...]:
    names, places = np.unique(videos, return_inverse=True)
    counts = np.bincount(places)
    means = np.bincount(places, weights=overlaps) / counts
    order = np.lexsort((names, means))[:MOVED_MOST]
    return tuple(Moved(str(names[one]), float(means[one]), int(counts[one])) for one in order)
