"""From what the legs found and what it is worth to one ranking of segments, and to one of videos by their best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from retrieval.fusion import fuse
from retrieval.legs import Candidate


@dataclass(frozen=True, slots=True)
class Hit:
    """A segment of the fused ranking.

    Attributes:
        score: The weighted sum of its shares.
        by_leg: What each leg that found it said of it.
        shares: What it gets from a leg for a weight of 1; from a leg that is not named, nothing.
    """

    score: float
    by_leg: Mapping[str, Candidate]
    shares: Mapping[str, float]

    @property
    def segment(self) -> Candidate:
        """The segment itself; every leg names the same."""
        return next(iter(self.by_leg.values()))


def rank(
    found: Mapping[str, Sequence[Candidate]],
    shares: Mapping[str, Mapping[str, float]],
    weights: Mapping[str, float],
) -> list[Hit]:
    """Fuses the candidates of all legs, best first.

    Args:
        found: By leg.
        shares: By leg, of segments that any leg found. One that gets nothing from any leg is no hit.
        weights: By leg.
    """
    by_leg = {leg: {candidate.segment_id: candidate for candidate in candidates} for leg, candidates in found.items()}
    return [
        Hit(
            score,
            {leg: named[segment_id] for leg, named in by_leg.items() if segment_id in named},
            {leg: given[segment_id] for leg, given in shares.items() if segment_id in given},
        )
        for segment_id, score in fuse(shares, weights)
    ]


def by_video(hits: Sequence[Hit]) -> list[list[Hit]]:
    """The hits of each video, best first; the videos by their best hit."""
    videos: dict[str, list[Hit]] = {}
    for hit in hits:
        videos.setdefault(hit.segment.video_id, []).append(hit)
    return list(videos.values())
