"""Buckets: every video in exactly one partition, and a finer split only refines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.buckets import BucketRange, bucket_of, partition_keys
from lake.schema import FILES
from lake.store import Lake
from tests.lake.samples import file_row

VIDEO_IDS = st.text(alphabet="0123456789abcdef", min_size=32, max_size=32)


def test_the_keys_are_all_prefixes_in_order() -> None:
    assert partition_keys(1) == tuple("0123456789abcdef")
    assert len(set(partition_keys(2))) == 256
    assert list(partition_keys(2)) == sorted(partition_keys(2))
    assert {key[0] for key in partition_keys(2)} == set(partition_keys(1))


@given(video_id=VIDEO_IDS, digits=st.sampled_from([1, 2]))
def test_a_video_is_in_exactly_one_partition(video_id: str, digits: int) -> None:
    holders = [key for key in partition_keys(digits) if video_id in BucketRange.of_partitions([key])]
    assert holders == [video_id[:digits]]


@given(video_id=VIDEO_IDS, first=st.integers(0, 15), last=st.integers(0, 15))
def test_the_coarse_and_the_fine_partitions_agree(video_id: str, first: int, last: int) -> None:
    coarse = [key for key in partition_keys(1) if min(first, last) <= int(key, 16) <= max(first, last)]
    fine = [key for key in partition_keys(2) if key[0] in coarse]
    assert BucketRange.of_partitions(coarse) == BucketRange.of_partitions(fine)
    assert (video_id in BucketRange.of_partitions(coarse)) == (video_id[0] in coarse)


@given(video_id=VIDEO_IDS)
def test_a_segment_lies_in_the_bucket_of_its_video(video_id: str) -> None:
    assert bucket_of(f"{video_id}-0-1000") == bucket_of(video_id)
    assert video_id in BucketRange()


@pytest.mark.parametrize(
    ("keys", "count"), [(["0"], 16), (["f"], 16), (["7", "8"], 32), (["a0"], 1), (["9f", "a0"], 2)]
)
def test_the_condition_in_sql_says_the_same(lake: Lake, keys: list[str], count: int) -> None:
    ids = [f"{number:02x}" * 16 for number in range(256)]
    lake.upsert(FILES, [file_row(video_id, video_id) for video_id in ids])
    buckets = BucketRange.of_partitions(keys)
    found = lake.read("files", ["video_id"], buckets.where)["video_id"].to_pylist()
    assert sorted(found) == [video_id for video_id in ids if video_id in buckets]
    assert len(found) == count
    assert lake.count("files", BucketRange().where) == 256
