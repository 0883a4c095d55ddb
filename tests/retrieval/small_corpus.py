"""A small lake, written the way the stages write it, and an encoder that knows words but not what they mean."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lake.buckets import bucket_of
from lake.releases import Kind, Release, Releases
from lake.schema import DECODES, DOCUMENTS, FILES, TRANSCRIPTS, VIDEOS, vectors_table
from lake.store import Lake

DIM = 32
SEEN_AT = datetime(2026, 1, 2, tzinfo=UTC)
EQUAL_WEIGHTS = {"k": 60.0, "caption": 1.0, "transcript": 1.0, "visual": 1.0, "text": 1.0}
FIRST = {"visual": "words-1", "text": "words-1"}


def video(number: int) -> str:
    """The id of a video."""
    return f"{number:032x}"


@dataclass(frozen=True, slots=True)
class Scene:
    """A segment of a test; `shows` is what its picture would say to an encoder, no words for a picture not yet seen."""

    video: int
    start_ms: int = 0
    end_ms: int | None = None
    caption: str = ""
    transcript: str = ""
    shows: str = ""
    screen: str = ""

    @property
    def video_id(self) -> str:
        return video(self.video)

    @property
    def segment_id(self) -> str:
        return f"{self.video_id}-{self.start_ms}-{self.last_ms}"

    @property
    def last_ms(self) -> int:
        return self.start_ms + 1000 if self.end_ms is None else self.end_ms

    @property
    def place(self) -> dict[str, Any]:
        return {
            "segment_id": self.segment_id,
            "video_id": self.video_id,
            "bucket": bucket_of(self.video_id),
            "start_ms": self.start_ms,
            "end_ms": self.last_ms,
        }


@dataclass
class WordVectors:
    """Texts to the sum of the fixed random vectors of their words; each version has its own.

    Attributes:
        asked: The versions that queries were embedded for, in order.
    """

    asked: list[str] = field(default_factory=list)

    def embed(self, version: str, query: str) -> NDArray[np.float32]:
        """The vector of a query."""
        self.asked.append(version)
        return word_vector(version, query)


def word_vector(version: str, text: str) -> NDArray[np.float32]:
    """The unit vector of a text, float32 `(DIM,)`."""
    vector = np.full(DIM, 1e-3)
    for word in text.lower().split():
        seed = int.from_bytes(hashlib.sha256(f"{version} {word}".encode(errors="replace")).digest()[:8], "big")
        vector += np.random.default_rng(seed).normal(size=DIM)
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


class SmallCorpus:
    """A lake in a folder with its own handle, as another process would have one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lake = Lake(folder)

    def write(self, scenes: Sequence[Scene], *, versions: Mapping[str, str] = FIRST) -> None:
        """Writes the documents and the vectors of scenes."""
        made_by = {
            "caption_version": "c",
            "transcript_version": "t",
            "screen_version": "s",
            "version": "d",
            "input_fp": "i",
            "output_fp": "o",
        }
        words = [scene for scene in scenes if scene.caption or scene.transcript or scene.screen]
        self.lake.upsert(
            DOCUMENTS,
            [
                {
                    **scene.place,
                    "caption": scene.caption,
                    "transcript": scene.transcript,
                    "screen": scene.screen,
                    **made_by,
                }
                for scene in words
            ],
        )
        self.write_vectors("text", versions["text"], {s: f"{s.caption} {s.transcript}" for s in words})
        self.write_vectors("visual", versions["visual"], {s: s.shows for s in scenes if s.shows})

    def write_vectors(self, space: str, version: str, texts: Mapping[Scene, str]) -> None:
        """Writes the vectors of one version; its table is made even for no rows."""
        spec = vectors_table(space, version, DIM)
        self.lake.create(spec)
        rows = [{**s.place, "input_fp": "i", "vector": word_vector(version, text)} for s, text in texts.items()]
        self.lake.upsert(spec, rows)

    def write_video(
        self,
        number: int,
        *,
        uris: Sequence[str] = (),
        missing: Sequence[str] = (),
        language: str = "en",
        duration_ms: int = 60_000,
    ) -> None:
        """Writes what is known of a whole video."""
        of_video = {"video_id": video(number), "bucket": bucket_of(video(number))}
        container = {"size_bytes": 1, "container": "mp4", "video_codec": "h264", "audio_codec": None, "fps": 25.0}
        picture = {"width": 64, "height": 48, "rotation": 0, "promised_ms": duration_ms, "has_audio": False}
        self.lake.upsert(VIDEOS, [{**of_video, **container, **picture, "first_seen_at": SEEN_AT}])
        places = [
            {**of_video, "uri": uri, "size_bytes": 1, "mtime_ns": 1, "missing": uri in missing, "seen_at": SEEN_AT}
            for uri in (*uris, *missing)
        ]
        self.lake.upsert(FILES, places)
        decode = {
            "version": "s",
            "duration_ms": duration_ms,
            "frames": 1,
            "decode_errors": 0,
            "segments": 1,
            "frames_damaged": 0,
        }
        self.lake.upsert(DECODES, [{**of_video, **decode}])
        spoken = {"words": [], "decode_errors": 0, "version": "t", "input_fp": "i", "output_fp": "o"}
        self.lake.upsert(TRANSCRIPTS, [{**of_video, "language": language, **spoken}])

    def release(self, spaces: Mapping[str, str] = FIRST, *, fusion: Mapping[str, float] = EQUAL_WEIGHTS) -> Release:
        """Makes a release after the live one."""
        releases = Releases(self.lake)
        live = releases.find_live()
        kind: Kind = "promotion" if live else "first"
        return releases.append(kind=kind, spaces=spaces, fusion=fusion, evidence={}, reason="test", after=live)
