"""Videos that fail: what is tried again, what is set aside, and that the rest goes on."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path

import pytest

from lake.failures import Failures
from lake.schema import DECODES, FAILURES, FILES, KEYFRAMES, SEGMENTS, VIDEOS
from lake.store import Lake
from media.errors import DecodeStalled, MediaError
from media.limits import DecodeLimits
from media.shots import DecodedVideo
from media.spec import SegmenterSpec
from media.workers import MediaWorkers, OnProgress
from stages.files import scan
from stages.report import StageReport
from stages.scope import Scope
from stages.segments import cut_segments, plan_segments
from stages.videos import plan_videos, probe_videos
from tests.media.films import cut_film, write_film

SPEC = SegmenterSpec()
MAX_ATTEMPTS = 3


class Faltering(MediaWorkers):
    """Decodes by real workers, but some files stall a few times first."""

    def __init__(self, workers: MediaWorkers, stalls: dict[str, int]) -> None:
        super().__init__(1)
        self._real = workers
        self.stalls = stalls
        self.asked: list[str] = []

    def decode_all(
        self, paths: Iterable[Path], spec: SegmenterSpec, on_progress: OnProgress | None = None
    ) -> Generator[tuple[Path, DecodedVideo | MediaError]]:
        healthy = []
        for path in paths:
            self.asked.append(path.name)
            if self.stalls.get(path.name, 0) > 0:
                self.stalls[path.name] -= 1
                yield path, DecodeStalled("stopped: no progress in 60 s.", where=path.name)
            else:
                healthy.append(path)
        yield from self._real.decode_all(healthy, spec, on_progress)


@pytest.fixture(scope="module")
def workers() -> Iterator[MediaWorkers]:
    with MediaWorkers(1) as started:
        yield started


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    for number, name in enumerate(("good.mp4", "slow.mp4")):
        write_film(folder / name, cut_film([400 + 40 * number], 800))
    whole = (folder / "good.mp4").read_bytes()
    (folder / "cut off.mp4").write_bytes(whole[: len(whole) // 3])
    (folder / "text.mp4").write_bytes(b"not a video at all " * 50)
    return folder


@pytest.fixture(scope="module")
def probed(films: Path, workers: MediaWorkers, tmp_path_factory: pytest.TempPathFactory) -> tuple[Scope, StageReport]:
    lake = Lake(tmp_path_factory.mktemp("lake"))
    scope = Scope(lake, Failures(lake, max_attempts=MAX_ATTEMPTS))
    scan(scope, [films])
    return scope, probe_videos(scope, workers)


@pytest.fixture
def scope(probed: tuple[Scope, StageReport]) -> Scope:
    scope, _ = probed
    for table in (DECODES, SEGMENTS, KEYFRAMES):
        scope.lake.table(table.name).delete("true")
    scope.lake.table(FAILURES.name).delete("stage = 'segments'")
    return scope


def _attempts(scope: Scope, stage: str) -> list[tuple[str, int, bool]]:
    rows = scope.lake.read(FAILURES.name, ["error", "attempts", "quarantined"], f"stage = '{stage}'").to_pylist()
    return [(row["error"], row["attempts"], row["quarantined"]) for row in rows]


def test_broken_files_are_named_with_their_reason_and_set_aside_at_once(
    probed: tuple[Scope, StageReport], films: Path
) -> None:
    scope, report = probed
    assert report.done == 2
    reasons = {Path(failure.uri).name: failure.message for failure in report.failures}
    assert set(reasons) == {"cut off.mp4", "text.mp4"}
    assert "not a video" in reasons["text.mp4"]
    assert all(failure.quarantined and failure.attempts == 1 for failure in report.failures)
    assert plan_videos(scope).is_empty, "set aside: neither wanted nor missing"
    assert {Path(failure.uri) for failure in scope.failures.all()} == {films / name for name in reasons}


def test_a_failure_that_passes_is_tried_again_in_the_same_run(scope: Scope, workers: MediaWorkers) -> None:
    faltering = Faltering(workers, {"slow.mp4": MAX_ATTEMPTS - 1})
    report = cut_segments(scope, faltering, SPEC)
    assert (report.done, report.failures) == (2, ())
    assert sorted(faltering.asked) == ["good.mp4"] + ["slow.mp4"] * MAX_ATTEMPTS
    assert report.work["videos_decoded"] == 2
    assert _attempts(scope, "segments") == [], "what succeeded is forgotten"
    assert plan_segments(scope, SPEC).is_empty


def test_a_failure_that_stays_is_set_aside_after_its_attempts(scope: Scope, workers: MediaWorkers) -> None:
    faltering = Faltering(workers, {"slow.mp4": 100})
    report = cut_segments(scope, faltering, SPEC)
    assert report.done == 1
    assert [(failure.attempts, failure.quarantined) for failure in report.failures] == [(MAX_ATTEMPTS, True)]
    assert _attempts(scope, "segments") == [("DecodeStalled", MAX_ATTEMPTS, True)]
    faltering.asked.clear()
    assert cut_segments(scope, faltering, SPEC).planned == 0
    assert faltering.asked == [], "nothing is opened again"
    assert scope.failures.retry(video_ids=[report.failures[0].video_id]) == 1
    faltering.stalls.clear()
    assert cut_segments(scope, faltering, SPEC).done == 1
    assert faltering.asked == ["slow.mp4"]


def test_a_child_that_really_stalls_is_counted_and_set_aside(scope: Scope) -> None:
    with MediaWorkers(1, DecodeLimits(start_timeout_s=0.0)) as hasty:
        report = cut_segments(scope, hasty, SPEC)
    assert report.done == 0
    assert _attempts(scope, "segments") == [("DecodeStalled", MAX_ATTEMPTS, True)] * 2
    assert all("did not start" in failure.message for failure in report.failures)


def test_a_file_that_was_overwritten_after_the_scan_is_not_decoded_under_its_old_name(
    scope: Scope, workers: MediaWorkers, films: Path
) -> None:
    film = films / "good.mp4"
    content, status = film.read_bytes(), film.stat()
    write_film(film, cut_film([200], 600))
    try:
        asked = Faltering(workers, {})
        report = cut_segments(scope, asked, SPEC)
    finally:
        film.write_bytes(content)
        os.utime(film, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert asked.asked == ["slow.mp4"]
    (failure,) = report.failures
    assert (failure.error, failure.uri, failure.quarantined) == ("FileChanged", str(film), False)
    assert scope.lake.count(DECODES.name) == 1


def test_an_interrupted_removal_of_a_video_is_planned_again(
    scope: Scope, workers: MediaWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_segments(scope, workers, SPEC)
    videos = scope.lake.read(VIDEOS.name, VIDEOS.schema.names)
    gone = videos["video_id"][0].as_py()
    remove = Lake.delete

    def killed_before_the_last(lake: Lake, name: str, column: str, values: tuple[str, ...]) -> None:
        removed.append(name)
        if len(removed) == 3:
            raise KeyboardInterrupt
        remove(lake, name, column, values)

    removed: list[str] = []
    remove(scope.lake, VIDEOS.name, "video_id", [gone])
    try:
        with monkeypatch.context() as patched:
            patched.setattr(Lake, "delete", killed_before_the_last)
            with pytest.raises(KeyboardInterrupt):
                cut_segments(scope, workers, SPEC)
        report = cut_segments(scope, workers, SPEC)
    finally:
        scope.lake.upsert(VIDEOS, videos)
    assert (report.orphaned, report.planned) == (1, 0)
    for table in (DECODES, SEGMENTS, KEYFRAMES):
        assert scope.lake.count(table.name, f"video_id = '{gone}'") == 0
        assert scope.lake.count(table.name) > 0


def test_every_place_of_a_removed_copy_leaves_the_video(scope: Scope) -> None:
    scope.lake.table(FILES.name).update(where="true", values={"missing": True})
    try:
        plan = plan_videos(scope)
    finally:
        scope.lake.table(FILES.name).update(where="true", values={"missing": False})
    assert plan.is_empty
    assert scope.lake.count(VIDEOS.name) == 2
