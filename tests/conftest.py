"""Fixtures that every folder of tests may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# The tests' worlds are plain shapes that the classifier has names for, so most of them are told by the untrained model;
# what ships is looked at in tests/encoders/test_adapter.py, the demo and the browser.
os.environ.setdefault("REELINDEX_MODELS__VISUAL", "conse")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests first: started last, one of them would run alone while the other workers have nothing left."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The evaluation corpus, where this machine has one."""
    beside_the_checkout = Path(__file__).parents[2] / "shared" / "corpus"
    folder = Path(os.environ.get("REELINDEX_CORPUS", beside_the_checkout))
    if not (folder / "manifest.csv").is_file():
        pytest.skip(f"the evaluation corpus is not at {folder}; set REELINDEX_CORPUS to run this")
    return folder
