"""The checkpoints that OpenAI published for Whisper: where the cache holds them, and what their bytes must be."""

from __future__ import annotations

import ast
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from encoders.errors import UnknownModel, WeightsMissing
from encoders.local_weights import LocalWeights, find_local
from encoders.weights import package_file

ENGINE = "openai-whisper"
NAMES = (
    "tiny.en",
    "tiny",
    "base.en",
    "base",
    "small.en",
    "small",
    "medium.en",
    "medium",
    "large-v1",
    "large-v2",
    "large-v3",
    "large-v3-turbo",
)
_SOURCE = "whisper/__init__.py"


@dataclass(frozen=True, slots=True)
class Published:
    """A checkpoint that OpenAI published.

    Attributes:
        name: As `whisper.load_model` takes it.
        url: Where it is downloaded from.
        sha256: Of its bytes.
        alignment_heads: Which cross-attention heads tell when a word is said, as `Whisper.set_alignment_heads` takes
            them: a compressed table in base 85.
    """

    name: str
    url: str
    sha256: str
    alignment_heads: str


@lru_cache(maxsize=1)
def published() -> dict[str, Published]:
    """The checkpoints of the installed package by name, each once. Reads the package's source: nothing is imported.

    Raises:
        WeightsMissing: The package is not installed, or does not hold the tables any more.
    """
    source = package_file(ENGINE, _SOURCE)
    tables = _literals(source)
    try:
        urls, heads = tables["_MODELS"], tables["_ALIGNMENT_HEADS"]
        return {
            name: Published(name, urls[name], PurePosixPath(urls[name]).parts[-2], heads[name].decode())
            for name in NAMES
        }
    except (KeyError, AttributeError, IndexError) as error:
        raise WeightsMissing(
            f"the package {ENGINE} does not list the checkpoint ({error}).",
            where=str(source),
            remedy=f"Install the version of {ENGINE} that reelindex asks for.",
        ) from error


def cached_checkpoint(name: str) -> LocalWeights:
    """A published checkpoint where `whisper.load_model` keeps it, once its bytes are known to be the published ones.

    Raises:
        UnknownModel: No checkpoint was published under this name.
        WeightsMissing: It has not been downloaded, or the file is damaged.
    """
    if name not in NAMES:
        raise UnknownModel(
            "no Whisper was published under this name.",
            where=name,
            remedy=f"Known: {', '.join(NAMES)}; a checkpoint of your own is @<path>.",
        )
    return checkpoint_in(cache_folder(), published()[name])


def checkpoint_in(folder: Path, checkpoint: Published) -> LocalWeights:
    """A published checkpoint in a folder, under the file name that it is published with.

    Raises:
        WeightsMissing: It is not there, or holds other bytes.
    """
    path = folder / PurePosixPath(checkpoint.url).name
    remedy = (
        f"Download {checkpoint.url} to this place, "
        f"or let Whisper do it: python -c \"import whisper; whisper.load_model('{checkpoint.name}')\"."
    )
    if not path.is_file():
        raise WeightsMissing(f"Whisper's checkpoint {checkpoint.name} is not here.", where=str(path), remedy=remedy)
    found = find_local(path)
    if found.files[0].sha256 != checkpoint.sha256:
        raise WeightsMissing(
            f"this is not the checkpoint {checkpoint.name} that OpenAI published: "
            f"SHA-256 {found.files[0].sha256[:12]}…, published {checkpoint.sha256[:12]}….",
            where=str(path),
            remedy=f"Remove the file. {remedy}",
        )
    return found


def published_as(sha256: str) -> Published | None:
    """The checkpoint that OpenAI published with these bytes, if it did."""
    return next((known for known in published().values() if known.sha256 == sha256), None)


def cache_folder() -> Path:
    """Where `whisper.load_model` keeps what it downloads."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "whisper"


def _literals(source: Path) -> dict[str, Any]:
    """The top-level dictionaries of a Python file that are made of constants alone, by name."""
    found = {}
    for statement in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Dict):
            (target,) = statement.targets
            if isinstance(target, ast.Name):
                found[target.id] = ast.literal_eval(statement.value)
    return found
