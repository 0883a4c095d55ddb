"""Which code trained a head: part of its lineage, for the same pairs and recipe may give other weights tomorrow."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import torch

from kernel.identity import fingerprint


def code_identity() -> str:
    """The versions of reelindex and torch, and a digest of this package's sources."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    digest = fingerprint(part for path in sources for part in (path.name, path.read_bytes()))
    return f"reelindex {version('reelindex')}, training {digest[:12]}, torch {torch.__version__}"
