"""Where a named model lies: at a path on this disk, or in a repository of a model hub."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from encoders.hub import HubWeights, find_hub, locate_hub
from encoders.local_weights import LocalWeights, find_local, locate_local

ModelSource: TypeAlias = LocalWeights | HubWeights
"""As a field of a spec: `source: ModelSource`. The place is kept in JSON and is no part of the version."""


def find_source(name: str, patterns: Sequence[str] = ("*",), required: Sequence[str] = ()) -> ModelSource:
    """The files of a model by its name.

    Args:
        name: A path (`/…`, `./…`, `../…`, `~/…`), or `<organisation>/<name>[@<revision>]` of a model hub.
        patterns: Globs of the files that decide the model's output.
        required: For a hub: globs of which each must match a file.

    Raises:
        UnknownModel: The hub has no such repository or revision.
        WeightsMissing: Nothing at the path; or the hub cannot be reached and the local cache has not all the files.
    """
    if name.startswith(("/", "./", "../", "~")):
        return find_local(name, patterns)
    repo, _, revision = name.partition("@")
    return find_hub(repo, revision or None, patterns, required)


def locate_source(source: ModelSource) -> Path:
    """The checkpoint file or model folder on this disk, its bytes compared; downloaded if it has to be.

    Raises:
        UnknownModel: The hub does not have it any more.
        WeightsMissing: It is gone from its place and cannot be fetched, or it holds other bytes.
    """
    return locate_local(source) if isinstance(source, LocalWeights) else locate_hub(source)


def readable_name(name: str) -> str:
    """The last part of a model's name, for the slug of a version: neither folders nor revision."""
    return Path(name if name.startswith(("/", ".", "~")) else name.partition("@")[0]).name
