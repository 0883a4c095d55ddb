"""A small corpus and an index over it, for every test its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from retrieval.index import Index
from retrieval.warm_lake import WarmLake
from tests.retrieval.small_corpus import SmallCorpus, WordVectors


@pytest.fixture(scope="session")
def empty_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a lake with no rows, to be copied: making the tables takes longer than most tests."""
    return SmallCorpus(tmp_path_factory.mktemp("empty") / "lake").folder


@pytest.fixture
def small(empty_lake: Path, tmp_path: Path) -> SmallCorpus:
    """A lake with no rows."""
    return SmallCorpus(shutil.copytree(empty_lake, tmp_path / "lake"))


@pytest.fixture
def encoder() -> WordVectors:
    """The encoder of `index`."""
    return WordVectors()


@pytest.fixture
def index(small: SmallCorpus, encoder: WordVectors) -> Iterator[Index]:
    """An index over `small`, with handles of its own."""
    with Index(WarmLake(small.folder), encoder) as opened:
        yield opened
