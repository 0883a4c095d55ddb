"""Weights in a file or folder of one's own: named by their bytes, wherever they lie."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pydantic import SerializationInfo, SerializerFunctionWrapHandler, model_serializer

from encoders.errors import WeightsMissing
from encoders.family import Frozen
from encoders.weights import WeightFile, digest_of

_ONE_FILE = "."


class FoundWeights(Frozen):
    """Files that a model's output depends on. Only their bytes, and their names within a folder, are its identity.

    A subclass adds where they were found. The same bytes found elsewhere, under another name if it is a single file,
    or fetched again from a later commit that left them as they were, are the same model.
    """

    files: tuple[WeightFile, ...]

    @model_serializer(mode="wrap")
    def _identity_without_place(self, serialise: SerializerFunctionWrapHandler, info: SerializationInfo) -> Any:
        if not (info.context and info.context.get("identity")):
            return serialise(self)
        if len(self.files) == 1:
            return {"files": [{"sha256": self.files[0].sha256}]}
        return {"files": [{"path": file.path, "sha256": file.sha256} for file in self.files]}


class LocalWeights(FoundWeights):
    """A checkpoint file, or the files of a model folder.

    Attributes:
        path: Absolute; where they lay when they were named, and where they are looked for when the model is loaded.
    """

    path: str


def find_local(path: str | Path, patterns: Sequence[str] = ("*",)) -> LocalWeights:
    """Name a checkpoint file, or the files of a folder that match one of the patterns.

    Args:
        path: `~` is the home folder; a relative path starts at the working folder.
        patterns: Globs over the path below the folder, such as `*.json` or `1_Pooling/*`; `*` crosses folders.
            Hidden files and folders are never taken.

    Raises:
        WeightsMissing: There is nothing at the path, or nothing that matches.
    """
    # Not resolved: a link's own name says what kind of file it is, its target's often does not.
    place = Path(os.path.abspath(Path(path).expanduser()))
    if place.is_file():
        return LocalWeights(path=str(place), files=(WeightFile(path=_ONE_FILE, sha256=digest_of(place)),))
    if not place.is_dir():
        raise WeightsMissing(
            "there is no checkpoint file or model folder here.", where=str(place), remedy="Correct the path."
        )
    return LocalWeights(path=str(place), files=files_of(place, patterns))


def locate_local(weights: LocalWeights) -> Path:
    """The file or folder, once its bytes are known to be those that were named.

    Raises:
        WeightsMissing: The path is gone, or a file of it holds other bytes.
    """
    place = Path(weights.path)
    verify_files(place, weights.files, remedy="Put them back, or name the model where it lies now in the settings.")
    return place


def files_of(folder: Path, patterns: Sequence[str]) -> tuple[WeightFile, ...]:
    """The files below a folder that match one of the patterns, by path.

    Raises:
        WeightsMissing: None does.
    """
    names = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    chosen = [name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)]
    if not chosen:
        raise WeightsMissing(
            f"the folder holds no file that the model could be made of ({', '.join(patterns)}).",
            where=str(folder),
            remedy="Name the folder that the model was saved in.",
        )
    return tuple(WeightFile(path=name, sha256=digest_of(folder / name)) for name in chosen)


def verify_files(place: Path, files: Sequence[WeightFile], *, remedy: str) -> None:
    """Pass if every file is there with the bytes it was named for.

    Raises:
        WeightsMissing: One is gone or holds other bytes; `where` names it.
    """
    for file in files:
        path = place / file.path
        if not path.is_file():
            raise WeightsMissing("a file that the model was made from is gone.", where=str(path), remedy=remedy)
        found = digest_of(path)
        if found != file.sha256:
            raise WeightsMissing(
                f"these are not the bytes that the model was made from: SHA-256 {found[:12]}…, "
                f"wanted {file.sha256[:12]}….",
                where=str(path),
                remedy=f"{remedy} Other bytes are another version: the settings name it like any other.",
            )
