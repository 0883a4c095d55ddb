"""A model folder in the form that the library transformers writes: found by name, and what its files say."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any

from encoders.errors import UnknownModel, WeightsMissing
from encoders.local_weights import find_local
from encoders.model_source import ModelSource, find_source

EXAMPLES = ("<organisation>/<name>[@<revision>]", "@<folder>")
"""The forms of the names, as `Family.examples` lists them."""

_ON_A_HUB = re.compile(r"[\w.-]+/[\w.-]+(@\S+)?")
_CONFIGURATION = ("*.json", "*.txt", "*.model", "*.jinja")
_SAFE, _PICKLED = "*.safetensors", "*pytorch_model*.bin"


def find_model_folder(name: str, more: Sequence[str] = ()) -> ModelSource:
    """The files of a model folder that decide its output: configuration, vocabulary and weights, and not the README.

    Weights are taken in the safetensors form, and in the older form of torch only where there is no other.

    Args:
        name: `<organisation>/<name>[@<revision>]` of a model hub, or `@<folder>`.
        more: Globs of further files.

    Raises:
        UnknownModel: Neither form of name, or the hub has no such repository or revision.
        WeightsMissing: No such folder, no configuration or weights in it, or the hub cannot be reached.
    """
    if not name.startswith("@") and not _ON_A_HUB.fullmatch(name):
        raise UnknownModel("this is no name of a model.", where=name, remedy=f"Write {' or '.join(EXAMPLES)}.")
    try:
        source = _find(name, _SAFE, more)
    except WeightsMissing:
        source = _find(name, _PICKLED, more)
    if any(PurePosixPath(file.path).name == "adapter_config.json" for file in source.files):
        # The network it adapts lies elsewhere, under a name that may come to mean other bytes.
        raise UnknownModel(
            "this is an adapter, not a model.", where=name, remedy="Merge it into its model and save that."
        )
    return source


def of_folders(source: ModelSource, folders: Collection[str]) -> ModelSource:
    """The same source with the files alone that lie directly in one of the folders; the top one is `""`."""
    wanted = {PurePosixPath(folder) for folder in folders}
    kept = tuple(file for file in source.files if PurePosixPath(file.path).parent in wanted)
    return source.model_copy(update={"files": kept})


def read_json(place: Path, *, required: bool = True) -> Any:
    """The content of a JSON file of a model folder; an empty dictionary if it may be missing and is.

    Raises:
        WeightsMissing: It is missing though required, or is no JSON.
    """
    try:
        return json.loads(place.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if not required:
            return {}
        raise WeightsMissing(
            "the model folder has no such file.",
            where=str(place),
            remedy="Name the folder that the model was saved in.",
        ) from error
    except ValueError as error:
        raise WeightsMissing(
            f"this is no JSON ({error}).", where=str(place), remedy="Fetch the model again."
        ) from error


def demand_package(module: str) -> None:
    """Pass if a library of the extra `families` is installed; it is not imported.

    Raises:
        WeightsMissing: It is not.
    """
    if find_spec(module) is None:
        raise WeightsMissing(
            "the library that runs this model is not installed.",
            where=module,
            remedy="Install it with `pip install 'reelindex[families]'`.",
        )


@contextmanager
def without_progress_bars() -> Iterator[None]:
    """Keep the library's bars, one per model that it loads, out of the terminal within the block."""
    from transformers.utils import logging

    bars: Any = logging
    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            bars.enable_progress_bar()


def _find(name: str, weights: str, more: Sequence[str]) -> ModelSource:
    patterns = (*_CONFIGURATION, weights, *more)
    if not name.startswith("@"):
        return find_source(name, patterns, ("config.json", weights))
    source = find_local(name[1:], patterns)
    if not any(PurePosixPath(file.path).match(weights) for file in source.files):
        raise WeightsMissing(
            f"the folder holds no weights ({_SAFE}, {_PICKLED}).",
            where=source.path,
            remedy="Name the folder that the model was saved in.",
        )
    return source
