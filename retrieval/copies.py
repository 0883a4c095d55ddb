"""Copies in an answer: the same scene in another video, which a person does not want to see ten times.

Near vectors raise the suspicion; they cannot decide, since a model may give all dogs the same. The pictures themselves
decide, by a perceptual hash that re-encoding does not change (Zauner 2010), and the words: two talks in one studio look
alike.
"""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kernel.identity import video_id_of_segment
from lake.keyframes import middle_pictures
from lake.schema import DOCUMENTS
from lake.store import Lake, in_list
from lake.vectors import Vectors, unit
from retrieval.indexed_language import IndexedLanguage
from retrieval.ranking import Hit

SUSPICIOUS_COSINE = 0.85
"""Measured with the default model: scenes that were encoded anew in two thirds of their size, 0.85 to 0.99; different
ones, 0.88 at most."""
SAME_PICTURE_BITS = 8
"""Of the 64 of a hash, how many may differ. Measured on the same: copies 2 at most, different ones 12 at least."""
LEAST_CONTRAST = 4.0
"""The standard deviation of the grey values, of 255: a black picture is like any other."""
SAME_WORDS = 0.7
"""Of the words of the one that says less, the share that the other says too: a copy may be cut at other times."""
COMPARED = 4
"""Segments of a video that later ones are compared with: the best of a copy need not be the same one."""
_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Shown:
    """A hit, and those after it that show the same, best first."""

    hit: Hit
    copies: tuple[Hit, ...] = ()


class Copies:
    """Finds copies in one lake. Safe to use from several threads."""

    def __init__(self, lake: Lake, language: IndexedLanguage) -> None:
        self._lake = lake
        self._language = language
        self._lock = threading.Lock()
        self._hashes: OrderedDict[str, int | None] = OrderedDict()

    def folded(self, videos: Sequence[Sequence[Hit]], vectors: Mapping[str, Vectors], limit: int) -> list[Shown]:
        """The best hits of the first `limit` videos that are no copies, each with its copies among those passed by.

        A video is a copy of one before it if its best hit shows and says the same as one of the first few of that one.

        Args:
            videos: The hits of each, best first; the best video first.
            vectors: float32 `(dim,)`, by segment. A hit without one is no copy of any.
            limit: Videos at most.
        """
        suspects = _suspects(videos, vectors)
        hashes = self._hashes_of({one for mine, others in suspects.items() for one in (mine, *others)})
        copies: dict[str, list[Hit]] = {}
        shown: list[Hit] = []
        for best, *_ in videos:
            alike = [one for one in suspects.get(best.segment.segment_id, ()) if video_id_of_segment(one) in copies]
            original = self._original(best.segment.segment_id, alike, hashes)
            if original is not None:
                copies[original].append(best)
            elif len(shown) == limit:
                break
            else:
                copies[best.segment.video_id] = []
                shown.append(best)
        return [Shown(hit, tuple(copies[hit.segment.video_id])) for hit in shown]

    def _original(self, mine: str, others: Sequence[str], hashes: Mapping[str, int | None]) -> str | None:
        """The video of the first of some segments that shows and says the same; None where none does."""
        for other in others:
            if _same_picture(hashes, mine, other) and self._same_words(mine, other):
                return video_id_of_segment(other)
        return None

    def _same_words(self, *segment_ids: str) -> bool:
        stems_of = self._language.current().stems_of
        said = self._lake.read(DOCUMENTS.name, ["segment_id", "transcript"], in_list("segment_id", segment_ids))
        words = {row["segment_id"]: stems_of(row["transcript"]) for row in said.to_pylist()}
        fewer, more = sorted((words.get(segment_id, frozenset()) for segment_id in segment_ids), key=len)
        return len(fewer & more) >= SAME_WORDS * len(fewer) if fewer else not more

    def _hashes_of(self, segment_ids: Collection[str]) -> dict[str, int | None]:
        """Of their middle keyframes; None where there is none, or nothing to see on it."""
        with self._lock:
            known = {one: self._hashes[one] for one in segment_ids if one in self._hashes}
        missing = sorted(set(segment_ids) - set(known))
        if missing:
            pictures = middle_pictures(self._lake, missing)
            fresh = {one: _perceptual_hash(pictures[one]) if one in pictures else None for one in missing}
            with self._lock:
                self._hashes |= fresh
                while len(self._hashes) > _REMEMBERED:
                    self._hashes.popitem(last=False)
            known |= fresh
        return known


def _suspects(videos: Sequence[Sequence[Hit]], vectors: Mapping[str, Vectors]) -> dict[str, list[str]]:
    """By the best segment of a video, the first segments of the videos before it whose vectors are near, best first."""
    names: list[str] = []
    starts: list[int] = []
    for hits in videos:
        mine = [hit.segment.segment_id for hit in hits[:COMPARED]]
        if mine[0] in vectors:
            starts.append(len(names))
            names += [name for name in mine if name in vectors]
    if not names:
        return {}
    rows = unit(np.stack([vectors[name] for name in names]))
    # One product a video, with those before it: all at once would wake the threads of BLAS for a millisecond's work.
    near = {names[start]: np.flatnonzero(rows[:start] @ rows[start] >= SUSPICIOUS_COSINE) for start in starts}
    return {best: [names[place] for place in places] for best, places in near.items() if len(places)}


def _same_picture(hashes: Mapping[str, int | None], *segment_ids: str) -> bool:
    one, other = (hashes[segment_id] for segment_id in segment_ids)
    return one is not None and other is not None and (one ^ other).bit_count() <= SAME_PICTURE_BITS


def _perceptual_hash(jpeg: bytes) -> int | None:
    from imagehash import phash
    from PIL import Image

    with Image.open(io.BytesIO(jpeg)) as picture:
        grey = picture.convert("L")
    if np.asarray(grey).std() < LEAST_CONTRAST:
        return None
    return int.from_bytes(np.packbits(phash(grey).hash).tobytes(), "big")
