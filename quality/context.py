"""What explains a release a year later: the models, the libraries, the tables, the thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from platform import python_version
from typing import Any

from lake.model_versions import ModelVersions
from lake.schema import CAPTIONS, DOCUMENTS, KEYFRAMES, SEGMENTS, TRANSCRIPTS, VIDEOS, vectors_table_name
from lake.store import Lake
from quality.policy import PromotionPolicy

PACKAGES = (
    "reelindex",
    "faster-whisper",
    "evidently",
    "great-expectations",
    "lancedb",
    "numpy",
    "open-clip-torch",
    "openai-whisper",
    "pillow",
    "pylance",
    "sentence-transformers",
    "tokenizers",
    "torch",
    "transformers",
)
"""What decides the values or their checks. One that is not installed is left out."""

_TABLES = (VIDEOS, SEGMENTS, KEYFRAMES, TRANSCRIPTS, CAPTIONS, DOCUMENTS)


def context_of(lake: Lake, spaces: Mapping[str, str], policy: PromotionPolicy) -> dict[str, Any]:
    """Plain values: specs of the versions by space, versions of packages, rows and commits of tables, thresholds."""
    names = [spec.name for spec in _TABLES] + [vectors_table_name(space, one) for space, one in spaces.items()]
    specs = {space: ModelVersions(lake).find(one) for space, one in spaces.items()}
    return {
        "specs": {space: dict(model.spec) for space, model in specs.items() if model},
        "python": python_version(),
        "packages": installed_packages(),
        "tables": {
            name: {"rows": lake.count(name), "commit": lake.table(name).version}
            for name in names
            if lake.has_table(name)
        },
        "policy": policy.to_dict(),
    }


def installed_packages() -> dict[str, str]:
    """The versions of those of `PACKAGES` that are installed."""
    return {name: found for name in PACKAGES if (found := _installed(name))}


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
