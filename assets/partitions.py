"""The buckets as Dagster partitions: few, because every event of a partition costs. Truth by video is in the lake."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence

import dagster as dg

from lake.buckets import BucketRange, partition_keys
from lake.store import Lake
from settings import load_settings

# Dagster calls the policy "beta" once for each asset; its version is pinned.
warnings.filterwarnings("ignore", category=dg.BetaWarning)

BUCKETS = dg.StaticPartitionsDefinition(list(partition_keys(load_settings().ingest.bucket_digits)))

IN_ONE_RUN = dg.BackfillPolicy.single_run()
"""Of every asset of the chain: with different policies Dagster would take a chain apart."""


def rows_by_partition(lake: Lake, table: str, partitions: Sequence[str]) -> dict[str, int]:
    """How many rows of a table each of some partitions holds, 0 included: one streamed scan of one short column."""
    digits = len(partitions[0])
    counts: Counter[str] = Counter()
    where = BucketRange.of_partitions(list(partitions)).where
    for batch in lake.snapshot(table).scanner(columns=["bucket"], filter=where).to_batches():
        for value in batch["bucket"].value_counts().to_pylist():
            counts[value["values"][:digits]] += value["counts"]
    return {partition: counts[partition] for partition in partitions}
