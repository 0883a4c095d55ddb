"""From the legs' candidates to one ranking of segments, or of videos by their best segment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from retrieval.fusion import Fusion, fuse
from retrieval.legs import Candidate


@dataclass(frozen=True, slots=True)
class Hit:
    """A segment of the fused ranking, and what each leg that found it said of it."""

    score: float
    by_leg: Mapping[str, Candidate]

    @property
    def segment(self) -> Candidate:
        """The segment itself; every leg names the same."""
        return next(iter(self.by_leg.values()))


def rank(found: Mapping[str, Sequence[Candidate]], fusion: Fusion, *, group_by_video: bool) -> list[Hit]:
    """Fuses the candidates of all legs, best first; with `group_by_video`, the best segment of each video."""
    by_leg = {leg: {candidate.segment_id: candidate for candidate in candidates} for leg, candidates in found.items()}
    ranks = {leg: {name: candidate.rank for name, candidate in named.items()} for leg, named in by_leg.items()}
    hits = [
        Hit(score, {leg: named[segment_id] for leg, named in by_leg.items() if segment_id in named})
        for segment_id, score in fuse(ranks, fusion)
    ]
    return _best_of_each_video(hits) if group_by_video else hits


def _best_of_each_video(hits: Sequence[Hit]) -> list[Hit]:
    best: dict[str, Hit] = {}
    for hit in hits:
        best.setdefault(hit.segment.video_id, hit)
    return list(best.values())
