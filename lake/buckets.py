"""Buckets: the prefix of a video's id by which work is divided."""

from __future__ import annotations

from dataclasses import dataclass

BUCKET_DIGITS = 2
"""Hex digits stored in every row. A partition may use fewer: a prefix only gets finer."""


def bucket_of(video_id: str) -> str:
    """The bucket of a video or of a segment (whose id begins with its video's)."""
    return video_id[:BUCKET_DIGITS]


def partition_keys(digits: int) -> tuple[str, ...]:
    """All prefixes of `digits` hex digits, in order: 16 for one digit, 256 for two."""
    return tuple(f"{number:0{digits}x}" for number in range(16**digits))


@dataclass(frozen=True, slots=True)
class BucketRange:
    """A contiguous range of buckets, both ends included."""

    first: str = "0" * BUCKET_DIGITS
    last: str = "f" * BUCKET_DIGITS

    @classmethod
    def of_partitions(cls, keys: list[str] | tuple[str, ...]) -> BucketRange:
        """The range from the first to the last of some partition keys (prefixes of buckets)."""
        return cls(min(keys).ljust(BUCKET_DIGITS, "0"), max(keys).ljust(BUCKET_DIGITS, "f"))

    @property
    def where(self) -> str:
        """The SQL condition on the column `bucket`."""
        return f"bucket >= '{self.first}' AND bucket <= '{self.last}'"

    def __contains__(self, video_id: str) -> bool:
        return self.first <= bucket_of(video_id) <= self.last
