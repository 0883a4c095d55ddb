"""Failures and quarantine: what could not be computed, how often it was tried, and what is set aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kernel.errors import ReelindexError
from kernel.identity import fingerprint
from lake.buckets import bucket_of
from lake.files import first_uris
from lake.schema import FAILURES
from lake.store import Lake, in_list, quote

MAX_MESSAGE_CHARACTERS = 1000


@dataclass(frozen=True, slots=True)
class Failure:
    """One subject that a stage could not do."""

    stage: str
    subject: str
    video_id: str
    version: str
    error: str
    message: str
    attempts: int
    quarantined: bool
    uri: str = ""


class Failures:
    """The book of failures of one lake.

    A failure that cannot mend itself (a broken file) is quarantined at once; one that may pass (a time-out) after
    `max_attempts`. A quarantined subject is neither planned nor counted as missing until it is retried on demand.
    """

    def __init__(self, lake: Lake, *, max_attempts: int) -> None:
        self._lake = lake
        self._max_attempts = max_attempts

    def record(self, stage: str, subject: str, video_id: str, version: str, error: Exception) -> Failure:
        """Counts one more attempt that failed, and sets the subject aside when it has had its chances."""
        failure_id = _failure_id(stage, subject, version)
        known = self._rows(f"failure_id = {quote(failure_id)}")
        attempts = 1 + (known[0]["attempts"] if known else 0)
        now = datetime.now(UTC)
        row = {
            "failure_id": failure_id,
            "stage": stage,
            "subject": subject,
            "video_id": video_id,
            "bucket": bucket_of(video_id),
            "version": version,
            "error": type(error).__name__,
            "message": str(error)[:MAX_MESSAGE_CHARACTERS],
            "attempts": attempts,
            "quarantined": not _may_pass(error) or attempts >= self._max_attempts,
            "first_at": known[0]["first_at"] if known else now,
            "last_at": now,
        }
        self._lake.upsert(FAILURES, [row])
        return _failure(row)

    def clear(self, stage: str, subjects: Sequence[str], version: str) -> None:
        """Forgets the failures of subjects that have succeeded since."""
        if self._lake.count(FAILURES.name) == 0:
            return
        ids = [_failure_id(stage, subject, version) for subject in subjects]
        if self._lake.count(FAILURES.name, in_list("failure_id", ids)):
            self._lake.delete(FAILURES.name, "failure_id", ids)

    def quarantined(self, stage: str, version: str) -> set[str]:
        """The subjects that a stage at a version has set aside."""
        where = f"stage = {quote(stage)} AND version = {quote(version)} AND quarantined"
        return set(self._lake.read(FAILURES.name, ["subject"], where)["subject"].to_pylist())

    def all(self, *, quarantined_only: bool = False) -> list[Failure]:
        """Every failure with one place where its video lies, ordered by place and stage."""
        rows = self._rows("quarantined" if quarantined_only else None)
        uris = first_uris(self._lake, [row["video_id"] for row in rows])
        found = [_failure(row, uris.get(row["video_id"], "")) for row in rows]
        return sorted(found, key=lambda failure: (failure.uri, failure.stage, failure.subject))

    def retry(self, *, video_ids: Sequence[str] | None = None) -> int:
        """Takes subjects out of quarantine, all of them or those of some videos; the next run tries them again."""
        of_videos = "true" if video_ids is None else in_list("video_id", video_ids)
        rows = self._rows(f"quarantined AND {of_videos}")
        self._lake.delete(FAILURES.name, "failure_id", [row["failure_id"] for row in rows])
        return len(rows)

    def _rows(self, where: str | None) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._lake.read(FAILURES.name, FAILURES.schema.names, where).to_pylist()
        return rows


def _failure_id(stage: str, subject: str, version: str) -> str:
    return fingerprint([stage, subject, version])


def _may_pass(error: Exception) -> bool:
    # An error that is not ours is a surprise: it gets its chances before it is set aside.
    return error.transient if isinstance(error, ReelindexError) else True


def _failure(row: dict[str, Any], uri: str = "") -> Failure:
    fields = ("stage", "subject", "video_id", "version", "error", "message", "attempts", "quarantined")
    return Failure(**{field: row[field] for field in fields}, uri=uri)
