"""What the parent and a decoding child say to each other. Plain values that pickle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from media.errors import MediaError
from media.probe import VideoFacts
from media.shots import DecodedVideo
from media.sound import SoundTrack
from media.spec import SegmenterSpec


@dataclass(frozen=True, slots=True)
class ProbeTask:
    """Tell what a file is."""

    path: Path


@dataclass(frozen=True, slots=True)
class DecodeTask:
    """Cut a video into segments with keyframes."""

    path: Path
    spec: SegmenterSpec


@dataclass(frozen=True, slots=True)
class SoundTask:
    """Write a file's sound track to `output`."""

    path: Path
    output: Path


Task = ProbeTask | DecodeTask | SoundTask
Outcome = VideoFacts | DecodedVideo | SoundTrack


@dataclass(frozen=True, slots=True)
class Ready:
    """The child has started. Sent once, before any task."""


@dataclass(frozen=True, slots=True)
class Advanced:
    """A sign of life: the presentation time reached, and the container's duration where it gives one."""

    presented_ms: int
    duration_ms: int | None


@dataclass(frozen=True, slots=True)
class Done:
    """The task's result."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Failed:
    """The task's error. `reusable` says whether the child is fit for the next task."""

    error: MediaError
    reusable: bool = True


Reply = Ready | Advanced | Done | Failed
