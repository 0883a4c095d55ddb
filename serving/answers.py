"""What the API answers with: the contract of its JSON."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import PurePath

from pydantic import BaseModel, Field

from retrieval import Copy, Result, SearchResults
from retrieval.words import Language


class Leg(BaseModel):
    """How one leg saw a segment: its place from 1, and its own score, higher is better."""

    rank: int
    score: float


class Matches(BaseModel):
    """Where the words of the query are: `[start, end)` in characters."""

    caption: list[tuple[int, int]]
    transcript: list[tuple[int, int]]
    screen: list[tuple[int, int]]


class Moment(BaseModel):
    """A segment, and where to see it."""

    segment_id: str
    video_id: str
    name: str = Field(description="The name of the video's file.")
    uri: str = Field(description="One place where the video lies; empty when none is known.")
    start_ms: int
    end_ms: int
    media: str = Field(description="The address of its video, at the second where it begins.")


class Answer(Moment):
    """One segment that answers."""

    score: float = Field(description="Comparable within one answer, not between answers.")
    legs: dict[str, Leg]
    caption: str
    transcript: str
    screen: str
    matches: Matches
    picture: str = Field(description="The address of its picture.")
    copies: list[Moment] = Field(description="Other videos that show and say the same, best first.")


class Answers(BaseModel):
    """All that answer, best first, from one release."""

    release: int
    query: str
    results: list[Answer]
    meant: dict[str, str] = Field(
        description="Words of the query that occur nowhere, each with the one that was looked for beside it."
    )


class ReleaseTold(BaseModel):
    """The release that answers."""

    release: int
    made_at: str
    reason: str
    spaces: dict[str, str] = Field(description="The version of the model of each space.")
    videos: int
    segments: int


def answers_of(found: SearchResults, language: Language) -> Answers:
    """The JSON of a search."""
    stems = language.stems_of(" ".join([found.query, *found.meant.values()]))
    return Answers(
        release=found.release_id,
        query=found.query,
        results=[_answer(result, stems, language) for result in found.results],
        meant=dict(found.meant),
    )


def _answer(result: Result, stems: frozenset[str], language: Language) -> Answer:
    words = {"caption": result.caption, "transcript": result.transcript, "screen": result.screen}
    return Answer(
        segment_id=result.segment_id,
        video_id=result.video_id,
        name=_name(result),
        uri=result.uri,
        start_ms=result.start_ms,
        end_ms=result.end_ms,
        score=result.score,
        legs={leg: Leg(rank=hit.rank, score=hit.score) for leg, hit in result.legs.items()},
        **words,
        matches=Matches(**{name: language.matched(stems, text) for name, text in words.items()}),
        picture=f"/api/segments/{result.segment_id}/picture",
        media=_media(result),
        copies=[Moment(**asdict(copy), name=_name(copy), media=_media(copy)) for copy in result.copies],
    )


def _name(found: Result | Copy) -> str:
    return PurePath(found.uri).name or found.video_id


def _media(found: Result | Copy) -> str:
    return f"/api/videos/{found.video_id}/media#t={found.start_ms / 1000:.3f}"
