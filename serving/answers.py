"""What the API answers with: the contract of its JSON."""

from __future__ import annotations

from pathlib import PurePath

from pydantic import BaseModel, Field

from retrieval import Result, SearchResults
from retrieval.words import matched, stems_of


class Leg(BaseModel):
    """How one leg saw a segment: its place from 1, and its own score, higher is better."""

    rank: int
    score: float


class Matches(BaseModel):
    """Where the words of the query are: `[start, end)` in characters."""

    caption: list[tuple[int, int]]
    transcript: list[tuple[int, int]]
    screen: list[tuple[int, int]]


class Answer(BaseModel):
    """One segment that answers."""

    segment_id: str
    video_id: str
    name: str = Field(description="The name of the video's file.")
    uri: str = Field(description="One place where the video lies; empty when none is known.")
    start_ms: int
    end_ms: int
    score: float = Field(description="Comparable within one answer, not between answers.")
    legs: dict[str, Leg]
    caption: str
    transcript: str
    screen: str
    matches: Matches
    picture: str = Field(description="The address of its picture.")
    media: str = Field(description="The address of its video, at the second where it begins.")


class Answers(BaseModel):
    """All that answer, best first, from one release."""

    release: int
    query: str
    results: list[Answer]


class ReleaseTold(BaseModel):
    """The release that answers."""

    release: int
    made_at: str
    reason: str
    spaces: dict[str, str] = Field(description="The version of the model of each space.")
    videos: int
    segments: int


def answers_of(found: SearchResults) -> Answers:
    """The JSON of a search."""
    stems = stems_of(found.query)
    return Answers(
        release=found.release_id, query=found.query, results=[_answer(result, stems) for result in found.results]
    )


def _answer(result: Result, stems: frozenset[str]) -> Answer:
    words = {"caption": result.caption, "transcript": result.transcript, "screen": result.screen}
    return Answer(
        segment_id=result.segment_id,
        video_id=result.video_id,
        name=PurePath(result.uri).name or result.video_id,
        uri=result.uri,
        start_ms=result.start_ms,
        end_ms=result.end_ms,
        score=result.score,
        legs={leg: Leg(rank=hit.rank, score=hit.score) for leg, hit in result.legs.items()},
        **words,
        matches=Matches(**{name: matched(stems, text) for name, text in words.items()}),
        picture=f"/api/segments/{result.segment_id}/picture",
        media=f"/api/videos/{result.video_id}/media#t={result.start_ms / 1000:.3f}",
    )
