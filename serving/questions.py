"""What may be asked of the API. A field that is not named here is refused."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from retrieval import Filters

MOST_CHARACTERS = 2000
MOST_RESULTS = 100
_LONGEST_S = 10**9

Seconds = Annotated[float | None, Field(ge=0, le=_LONGEST_S)]


class Narrowed(BaseModel):
    """What every answer must meet. A field that is not listed here is refused."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=10, ge=1, le=MOST_RESULTS)
    language: str | None = Field(default=None, description="Spoken in this language, ISO 639, such as `en`.")
    under: str | None = Field(default=None, description="With a place that begins with this text.")
    video: str | None = Field(default=None, description="Only this video's id.")
    min_duration_s: Seconds = None
    max_duration_s: Seconds = None
    start_s: Seconds = Field(default=None, description="Segments that end after this time of their video.")
    end_s: Seconds = Field(default=None, description="Segments that start before this time of their video.")

    def filters(self) -> Filters:
        """As search takes them."""
        return Filters(
            video_ids=None if self.video is None else (self.video,),
            uri_prefix=self.under,
            language=self.language,
            min_duration_ms=_ms(self.min_duration_s),
            max_duration_ms=_ms(self.max_duration_s),
            start_ms=_ms(self.start_s),
            end_ms=_ms(self.end_s),
        )


class Asked(Narrowed):
    """A question."""

    q: str = Field(default="", max_length=MOST_CHARACTERS, description="Any words; what is in quotes must occur.")
    every_segment: bool = Field(default=False, description="Every segment, not the best of each video.")


class Like(Narrowed):
    """Something to look like."""

    segment: str = Field(max_length=100, description="A segment's id.")


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(1000 * seconds)
