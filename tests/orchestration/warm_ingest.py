"""Ingests in processes that are forked from a server which has imported everything and opened nothing.

An ingest spends most of a small corpus's time on importing libraries; a kill there tests nothing.
"""

from __future__ import annotations

import importlib
import multiprocessing
from multiprocessing.process import BaseProcess
from pathlib import Path

import orchestration.definitions
from kernel.progress import Silent
from orchestration.ingest import ingest
from settings import Home, load_settings

IMPORTED_ON_THE_WAY = (
    "torch",
    "lance",
    "lancedb",
    "great_expectations.expectations",
    "pandas",
    "faster_whisper",
    "tokenizers",
    "safetensors.torch",
    "efficientnet_lite_pytorch",
    "PIL.Image",
    "encoders.registry",
    "retrieval.indexes",
    "quality.promotion",
    "stages.overview",
)
for name in IMPORTED_ON_THE_WAY:
    importlib.import_module(name)

__all__ = ["orchestration", "start_ingest"]


def start_ingest(films: Path, home: Path) -> BaseProcess:
    """Starts what `reelindex ingest FILMS --home HOME` runs; the process ends with 0 if all went well."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.orchestration.warm_ingest"])
    process = context.Process(target=_ingest, args=(films, home))
    process.start()
    return process


def _ingest(films: Path, home: Path) -> None:
    outcome = ingest([films], load_settings(), Home(home), Silent())
    if outcome.failures or outcome.release_id != 1:
        raise SystemExit(str(outcome))
