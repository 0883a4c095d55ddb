"""The jobs: what is started as one run."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from assets.expectations import expectations
from assets.partitions import BUCKETS

INGEST = "ingest"
BACKFILL = "backfill"
PROMOTION = "promotion"
EXPORT = "export"
TRAINING = "training"
QUALITY = "quality"

ingest_job = dg.define_asset_job(
    INGEST,
    selection=dg.AssetSelection.groups("ingest", "understand", "embed", "serve"),
    description="From files to search results: every stage computes what is missing and nothing else.",
    executor_def=dg.in_process_executor,
)

backfill_job = dg.define_asset_job(
    BACKFILL,
    selection=dg.AssetSelection.groups("understand", "embed").without_checks(),
    description="What a changed model or segmenter left to do, beside the live release. The coverage sensor starts it.",
    executor_def=dg.in_process_executor,
)

promotion_job = dg.define_asset_job(
    PROMOTION,
    selection=dg.AssetSelection.groups("serve"),
    description="Indexes, gates, and, when all gates are passed, the switch to a new version.",
    executor_def=dg.in_process_executor,
)

export_job = dg.define_asset_job(
    EXPORT,
    selection=dg.AssetSelection.groups("explore"),
    description="Writes the corpus as one DuckDB file.",
    executor_def=dg.in_process_executor,
)

training_job = dg.define_asset_job(
    TRAINING,
    selection=dg.AssetSelection.groups("train"),
    description="From pairs to a trained head: a new version of the visual space, evaluated on what it never saw.",
    executor_def=dg.in_process_executor,
)


quality_job = dg.define_asset_job(
    QUALITY,
    selection=dg.AssetSelection.checks(expectations) | dg.AssetSelection.groups("evaluate"),
    description="Examines the lake: expectations about every table, and drift. A schedule starts it daily.",
    executor_def=dg.in_process_executor,
)


def bucket_range(partitions: Sequence[str]) -> dict[str, str]:
    """The run tags that select the partitions from the first to the last of some."""
    return {
        "dagster/asset_partition_range_start": min(partitions),
        "dagster/asset_partition_range_end": max(partitions),
    }


def all_buckets() -> dict[str, str]:
    """The run tags that select every bucket."""
    return bucket_range(BUCKETS.get_partition_keys())
