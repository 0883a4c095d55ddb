"""The book of failures: who gets another chance, who is set aside, and how one comes back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from kernel.errors import ReelindexError
from lake.failures import MAX_MESSAGE_CHARACTERS, Failures
from lake.schema import FILES
from lake.store import Lake
from tests.lake.samples import file_row

VIDEO = "aa" * 16


class TimedOut(ReelindexError):
    """May pass."""

    transient = True


class Broken(ReelindexError):
    """Will not pass."""


@pytest.fixture
def failures(lake: Lake) -> Failures:
    """The book of an empty lake, with three chances."""
    return Failures(lake, max_attempts=3)


def test_a_failure_that_cannot_mend_itself_is_set_aside_at_once(failures: Failures) -> None:
    found = failures.record("captions", "s1", VIDEO, "v1", Broken("it is broken.", where="a.mp4"))
    assert (found.attempts, found.quarantined, found.error) == (1, True, "Broken")
    assert found.message == "a.mp4: it is broken."
    assert failures.quarantined("captions", "v1") == {"s1"}


@pytest.mark.parametrize("error", [TimedOut("too slow."), RuntimeError("a surprise"), OSError(5, "Input/output error")])
def test_a_failure_that_may_pass_has_its_chances(failures: Failures, error: Exception) -> None:
    for attempt in (1, 2):
        found = failures.record("captions", "s1", VIDEO, "v1", error)
        assert (found.attempts, found.quarantined) == (attempt, False)
        assert failures.quarantined("captions", "v1") == set()
    assert failures.record("captions", "s1", VIDEO, "v1", error).quarantined
    assert failures.quarantined("captions", "v1") == {"s1"}
    assert [failure.attempts for failure in failures.all()] == [3]


def test_the_times_of_the_first_and_the_last_attempt_are_kept(lake: Lake, failures: Failures) -> None:
    failures.record("captions", "s1", VIDEO, "v1", TimedOut("too slow."))
    [first] = lake.read("failures", ["first_at", "last_at"]).to_pylist()
    failures.record("captions", "s1", VIDEO, "v1", RuntimeError("x" * 5000))
    [second] = lake.read("failures", ["first_at", "last_at", "error", "message", "bucket"]).to_pylist()
    assert first["first_at"] == first["last_at"] == second["first_at"] < second["last_at"]
    assert (second["error"], second["bucket"]) == ("RuntimeError", "aa")
    assert second["message"] == "x" * MAX_MESSAGE_CHARACTERS


def test_quarantine_is_by_stage_and_version(failures: Failures) -> None:
    failures.record("captions", "s1", VIDEO, "v1", Broken("it is broken."))
    failures.record("captions", "s2", VIDEO, "v2", Broken("it is broken."))
    failures.record("visual", "s3", VIDEO, "v1", Broken("it is broken."))
    assert failures.quarantined("captions", "v1") == {"s1"}
    assert failures.quarantined("captions", "v2") == {"s2"}
    assert failures.quarantined("visual", "v1") == {"s3"}
    assert failures.quarantined("visual", "v2") == set()


def test_success_clears_only_what_succeeded(failures: Failures) -> None:
    failures.clear("captions", ["s1"], "v1")
    for subject in ("s1", "s2"):
        failures.record("captions", subject, VIDEO, "v1", TimedOut("too slow."))
    failures.record("captions", "s1", VIDEO, "v2", TimedOut("too slow."))
    failures.clear("captions", ["s1", "s9"], "v1")
    failures.clear("captions", [], "v1")
    assert [(failure.subject, failure.version) for failure in failures.all()] == [("s1", "v2"), ("s2", "v1")]
    assert failures.record("captions", "s1", VIDEO, "v1", TimedOut("too slow.")).attempts == 1


def test_retry_takes_out_of_quarantine_and_counts_what_it_took(failures: Failures) -> None:
    for video_id in ("aa", "bb", "cc"):
        failures.record("captions", f"{video_id}-0", video_id, "v1", Broken("it is broken."))
    failures.record("captions", "bb-1", "bb", "v1", TimedOut("too slow."))
    assert failures.retry(video_ids=["bb", "none"]) == 1
    assert failures.quarantined("captions", "v1") == {"aa-0", "cc-0"}
    assert failures.retry() == 2
    assert failures.retry() == 0
    assert [(failure.subject, failure.attempts) for failure in failures.all()] == [("bb-1", 1)]


def test_failures_name_a_place_where_the_video_still_lies(lake: Lake, failures: Failures) -> None:
    lake.upsert(FILES, [file_row("/a.mp4", "aa", missing=True), file_row("/z.mp4", "aa"), file_row("/y.mp4", "aa")])
    failures.record("captions", "aa-0", "aa", "v1", Broken("it is broken."))
    failures.record("captions", "bb-0", "bb", "v1", TimedOut("too slow."))
    assert [(failure.subject, failure.uri) for failure in failures.all()] == [("bb-0", ""), ("aa-0", "/y.mp4")]
    assert [failure.subject for failure in failures.all(quarantined_only=True)] == ["aa-0"]


def test_failures_recorded_at_the_same_time_are_all_kept(lake: Lake) -> None:
    def record(number: int) -> None:
        Failures(Lake(lake.folder), max_attempts=3).record("captions", f"s{number % 6}", VIDEO, "v1", TimedOut("slow."))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(record, range(12)))
    found = Failures(lake, max_attempts=3).all()
    assert [failure.subject for failure in found] == [f"s{number}" for number in range(6)]
    assert all(failure.attempts in (1, 2) for failure in found)
