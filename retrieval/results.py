"""What a search gives back, and its JSON."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class LegHit:
    """How one leg saw a segment.

    Attributes:
        rank: Place in the leg from 1; segments that the leg scores the same share a place.
        score: The leg's own score, higher is better: BM25 for words, cosine in [-1, 1] for vectors.
    """

    rank: int
    score: float


@dataclass(frozen=True, slots=True)
class Copy:
    """A segment of another video that shows and says the same."""

    video_id: str
    uri: str
    segment_id: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Result:
    """One segment that answers a query.

    Attributes:
        uri: One place where the video lies; empty when none is known.
        start_ms: Start on the video's presentation timeline, included.
        end_ms: End, excluded.
        score: The fused score: comparable within one search, not between searches.
        legs: The legs that found the segment.
        caption: What a captioner saw in it; empty when it said nothing.
        transcript: What is spoken in it; empty when nothing is.
        screen: What can be read in it; empty when nothing can, or nobody looked.
        copies: What is folded into this result, best first.
    """

    video_id: str
    uri: str
    segment_id: str
    start_ms: int
    end_ms: int
    score: float
    legs: Mapping[str, LegHit]
    caption: str
    transcript: str
    screen: str = ""
    copies: tuple[Copy, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON values."""
        return {
            "video_id": self.video_id,
            "uri": self.uri,
            "segment_id": self.segment_id,
            "start_ms": self.start_ms,
            "end_ms": self.end_ms,
            "score": self.score,
            "legs": {leg: asdict(hit) for leg, hit in self.legs.items()},
            "caption": self.caption,
            "transcript": self.transcript,
            "screen": self.screen,
            "copies": [asdict(copy) for copy in self.copies],
        }


@dataclass(frozen=True, slots=True)
class SearchResults:
    """The answer to one query from one release, best first."""

    release_id: int
    query: str
    results: tuple[Result, ...]
    meant: Mapping[str, str] = field(default_factory=dict)
    """Words of the query that occur nowhere, each with the one that was looked for beside it."""

    def video_ids(self, wanted: Collection[str] = ()) -> list[str]:
        """The videos that were found, best first. A copy that is wanted stands for what it is folded into."""
        return [
            next((one for one in (result.video_id, *(copy.video_id for copy in result.copies)) if one in wanted), None)
            or result.video_id
            for result in self.results
        ]

    def to_dict(self) -> dict[str, Any]:
        """The JSON contract of `reelindex search --json`."""
        return {
            "release": self.release_id,
            "query": self.query,
            "results": [result.to_dict() for result in self.results],
            "meant": dict(self.meant),
        }
