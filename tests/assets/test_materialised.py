"""A stage's report as metadata: sentences, numbers, failures with reasons, counts by partition."""

import logging
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets.materialised import FAILURES_SHOWN, materialised, sentence
from assets.partitions import BUCKETS, IN_ONE_RUN
from lake.failures import Failure
from lake.schema import SEGMENTS
from lake.store import Lake
from stages.report import StageReport
from tests.lake.samples import segment_row


def failure(number: int = 0, *, quarantined: bool = True) -> Failure:
    place = f"/films/{number}.mp4"
    return Failure("segments", "aa", "aa", "v1", "Broken", "it is broken.", 1, quarantined, place)


def run(lake: Lake, reports: Any, caplog: pytest.LogCaptureFixture) -> dict[str, dict[str, Any]]:
    """Materialises one asset over all buckets; the metadata of every partition."""

    @dg.asset(partitions_def=BUCKETS, backfill_policy=IN_ONE_RUN)
    def made(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        return materialised(context, lake, SEGMENTS.name, reports)

    keys = BUCKETS.get_partition_keys()
    tags = {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]}
    with caplog.at_level(logging.INFO, logger="reelindex"):
        result = dg.materialize([made], tags=tags)
    assert result.success
    materializations = result.asset_materializations_for_node("made")
    return {one.partition or "": {k: plain(v) for k, v in one.metadata.items()} for one in materializations}


def plain(value: dg.MetadataValue[Any]) -> Any:
    return [dict(record.data) for record in value.records] if isinstance(value, dg.TableMetadataValue) else value.value


def test_every_partition_tells_what_happened_and_its_own_rows(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lake = Lake(tmp_path / "lake")
    lake.upsert(SEGMENTS, [segment_row("a1", 0), segment_row("a1", 1), segment_row("30", 0)])
    report = StageReport("segments", "v1", new=2, done=2, skipped=1, duration_s=4.0, work={"frames_decoded": 70.0})
    shown = run(lake, report, caplog)
    assert shown.keys() == set(BUCKETS.get_partition_keys())
    assert [shown[key]["dagster/partition_row_count"] for key in ("a", "3", "0")] == [2, 1, 0]
    for metadata in shown.values():
        assert metadata["what_happened"] == "2 of 2 done in 4.0 s; 1 were already there."
        assert metadata["dagster/row_count"] == 3
        assert (metadata["done_per_second"], metadata["frames_decoded"]) == (0.5, 70)
        assert "failures" not in metadata
    assert "segments (v1): 2 of 2 done in 4.0 s; 1 were already there." in caplog.text


def test_failures_and_warnings_are_tables(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    failures = tuple(failure(number) for number in range(FAILURES_SHOWN + 1))
    report = StageReport("segments", "v1", new=60, done=9, failures=failures, warnings=("film.mp4: damaged.",))
    metadata = run(Lake(tmp_path / "lake"), report, caplog)["0"]
    assert metadata["failed"] == FAILURES_SHOWN + 1
    assert len(metadata["failures"]) == FAILURES_SHOWN
    assert metadata["failures"][0] == {
        "what": "0.mp4",
        "why": "it is broken.",
        "next": "set aside: `reelindex quarantine`",
        "attempts": 1,
        "place": "/films/0.mp4",
    }
    assert metadata["warnings"][0] == {"warning": "film.mp4: damaged."}


def test_several_versions_are_told_apart(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    reports = [StageReport("text_vectors", "new-1", new=5, done=5), StageReport("text_vectors", "old-1", skipped=5)]
    metadata = run(Lake(tmp_path / "lake"), reports, caplog)["f"]
    assert metadata["version"] == "new-1, old-1"
    assert [record["version"] for record in metadata["by_version"]] == ["new-1", "old-1"]


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (StageReport("s", "v", skipped=7), "Nothing to do: 7 already there."),
        (StageReport("s", "v", orphaned=2, removed=2), "0 of 0 done in 0.0 s, 2 removed; 0 were already there."),
        (
            StageReport("s", "v", new=2, stale=1, done=2, failures=(failure(),), duration_s=1.25),
            "2 of 3 done in 1.2 s, 1 failed; 0 were already there.",
        ),
    ],
)
def test_a_sentence_says_what_a_run_did(report: StageReport, words: str) -> None:
    assert sentence(report) == words
