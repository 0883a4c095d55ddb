"""A query to legs, to one fused ranking, to results."""

from __future__ import annotations

from pathlib import Path

from lake.releases import Release
from retrieval.filters import Filters
from retrieval.index import Index
from retrieval.live_release import FixedRelease, LiveRelease
from retrieval.query_encoders import QueryEncoders
from retrieval.results import Copy, LegHit, Result, SearchResults
from retrieval.warm_lake import WarmLake

__all__ = ["Copy", "Filters", "Index", "LegHit", "Result", "SearchResults", "open_index"]


def open_index(lake_folder: Path | str, *, cache_dir: Path | None = None, release: Release | None = None) -> Index:
    """Opens the lake in a folder for search. Models are loaded by the first search that needs them.

    Args:
        lake_folder: The folder of the lake's tables.
        cache_dir: Where models may keep derived files; None keeps nothing.
        release: The release to answer from, which need not be one that was made; None follows the live one.

    Raises:
        NoLake: There is no lake in the folder.
    """
    lake = WarmLake(Path(lake_folder))
    releases = LiveRelease(lake) if release is None else FixedRelease(release)
    return Index(lake, QueryEncoders(lake, cache_dir=cache_dir), releases)
