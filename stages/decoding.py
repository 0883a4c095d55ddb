"""Stages that open video files: each video is located, handed to the child processes, and retried if that may help."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from media.errors import MediaError
from stages.files import locate
from stages.report import Tally
from stages.scope import Scope

Result = TypeVar("Result")
Opener = Callable[[Sequence[Path]], Iterable[tuple[Path, Result | MediaError]]]

VIDEOS_LOCATED_AT_ONCE = 256


def each_located(
    scope: Scope, stage: str, version: str, video_ids: Sequence[str], tally: Tally, open_all: Opener[Result]
) -> Iterator[tuple[str, Result]]:
    """Yields each video that could be opened with what came of it; every other is entered in the book of failures.

    A failure that may pass (a time-out, a child that died) is tried again until it succeeds or is set aside.
    """
    for start in range(0, len(video_ids), VIDEOS_LOCATED_AT_ONCE):
        todo: Sequence[str] = video_ids[start : start + VIDEOS_LOCATED_AT_ONCE]
        while todo and not scope.allowance.is_over():
            todo = yield from _attempt(scope, stage, version, todo, tally, open_all)


def _attempt(
    scope: Scope, stage: str, version: str, video_ids: Sequence[str], tally: Tally, open_all: Opener[Result]
) -> Generator[tuple[str, Result], None, list[str]]:
    videos_by_path: dict[Path, str] = {}
    for video_id, place in locate(scope.lake, video_ids).items():
        if isinstance(place, Path):
            videos_by_path[place] = video_id
        else:
            tally.failed(scope.fail(stage, video_id, video_id, version, place, place.where))
    again: list[str] = []
    for path, outcome in open_all(list(videos_by_path)):
        if scope.allowance.is_over():
            return []
        video_id = videos_by_path[path]
        if not isinstance(outcome, MediaError):
            yield video_id, outcome
            continue
        failure = scope.fail(stage, video_id, video_id, version, outcome, str(path))
        tally.failed(failure)
        if not failure.quarantined:
            again.append(video_id)
    return again
