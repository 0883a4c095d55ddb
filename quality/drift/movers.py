"""What to look at when it fires: the current videos that are least like anything in the reference."""

from __future__ import annotations

from dataclasses import dataclass

from quality.drift.windows import Window

MOST = 8


@dataclass(frozen=True, slots=True)
class Mover:
    """A video of the current window, and the one of the reference that it is most like.

    `novelty` is 1 minus their cosine: 0 for the same, 1 for nothing in common.
    """

    video_id: str
    novelty: float
    nearest: str


def movers(reference: Window, current: Window, most: int = MOST) -> list[Mover]:
    """The most novel videos of the current window, the most novel first."""
    if not len(reference) or not len(current):
        return []
    cosines = current.means @ reference.means.T
    nearest = cosines.argmax(axis=1)
    found = [
        Mover(video_id, float(1 - cosines[row, place]), reference.video_ids[int(place)])
        for row, (video_id, place) in enumerate(zip(current.video_ids, nearest, strict=True))
    ]
    return sorted(found, key=lambda one: (-one.novelty, one.video_id))[:most]
