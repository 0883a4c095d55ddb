"""Names derived from content: digests, fingerprints and versions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

VERSION_DIGITS = 12
VIDEO_ID_DIGITS = 32


def canonical_json(payload: Mapping[str, object]) -> str:
    """The one JSON text of a mapping: keys sorted, no spaces, no NaN, UTF-8 as it is."""
    return json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def version_of(slug: str, payload: Mapping[str, object]) -> str:
    """`<slug>-<12 hex>`: the SHA-256 of the payload's canonical JSON, under a readable name."""
    return f"{slug}-{hashlib.sha256(canonical_json(payload).encode()).hexdigest()[:VERSION_DIGITS]}"


def fingerprint(parts: Iterable[str | bytes]) -> str:
    """32 hex digits over an ordered list of parts; each part's length is hashed too, so that no two lists collide."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(8, "big"))
        digest.update(raw)
    return digest.hexdigest()[:32]


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hex digits, read in pieces.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def video_id_of(path: Path) -> str:
    """A video's name: the first 32 hex digits of the SHA-256 of its bytes (128 bits: no collisions in practice)."""
    return file_digest(path)[:VIDEO_ID_DIGITS]


def segment_id_of(video_id: str, start_ms: int, end_ms: int) -> str:
    """A segment's name: its video and its times."""
    return f"{video_id}-{start_ms}-{end_ms}"


def video_id_of_segment(segment_id: str) -> str:
    """The video that a segment's name begins with."""
    return segment_id.partition("-")[0]


def times_of_segment(segment_id: str) -> tuple[int, int]:
    """The start and end that a segment's name ends with, in ms."""
    _, start_ms, end_ms = segment_id.split("-")
    return int(start_ms), int(end_ms)
