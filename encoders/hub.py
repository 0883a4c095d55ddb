"""Weights of a model hub that speaks the Hugging Face protocol: from the local cache first, then from the network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from encoders.errors import EncoderError, UnknownModel, WeightsMissing
from encoders.local_weights import FoundWeights, files_of, verify_files


class HubWeights(FoundWeights):
    """Files of a repository.

    Attributes:
        repo: `<organisation>/<name>`.
        commit: The commit that the revision stood for when it was resolved, 40 hex digits.
    """

    repo: str
    commit: str


def find_hub(
    repo: str, revision: str | None = None, patterns: Sequence[str] = ("*",), required: Sequence[str] = ()
) -> HubWeights:
    """Name the files of a repository at a revision, downloading them unless the local cache has them all.

    A branch stands for the commit that the cache remembers: a model changes when someone downloads it again, or names
    another revision, never because of a push elsewhere.

    Args:
        repo: `<organisation>/<name>`.
        revision: A branch, tag or commit; the main branch if None.
        patterns: Globs of the files wanted; `*` crosses folders.
        required: Globs of which each must match a file, such as `*.safetensors`.

    Raises:
        UnknownModel: The hub has no such repository or revision.
        WeightsMissing: The hub cannot be reached or does not let this account in, or a required file is not there.
    """
    folder = _cached(repo, revision, patterns)
    if folder is None or _unmatched(folder, required):
        folder = _download(repo, revision, patterns)
    missing = _unmatched(folder, required)
    if missing:
        raise WeightsMissing(
            f"the repository has no file that matches {', '.join(missing)}.",
            where=_name(repo, revision),
            remedy="Choose a model in the format that this family reads.",
        )
    return HubWeights(repo=repo, commit=folder.name, files=files_of(folder, patterns))


def find_hub_file(repo: str, revision: str | None, names: Sequence[str]) -> HubWeights:
    """Name one file of a repository: the first of `names` that the local cache has, or else that the hub has.

    Raises:
        UnknownModel: The hub has no such repository or revision.
        WeightsMissing: The hub cannot be reached or does not let this account in, or the repository has none of them.
    """
    for fetch in (_cached, _download):
        for name in names:
            folder = fetch(repo, revision, [name])
            if folder is not None and (folder / name).is_file():
                return HubWeights(repo=repo, commit=folder.name, files=files_of(folder, [name]))
    raise WeightsMissing(
        f"the repository has no {' or '.join(names)}.",
        where=_name(repo, revision),
        remedy="Choose a model in the format that this family reads.",
    )


def locate_hub(weights: HubWeights) -> Path:
    """The local folder with the files of the commit, downloaded if need be, their bytes compared.

    Raises:
        UnknownModel: The repository or its commit is gone from the hub.
        WeightsMissing: They are not in the cache and cannot be fetched, or are other bytes.
    """
    names = [file.path for file in weights.files]
    folder = _cached(weights.repo, weights.commit, names)
    if folder is None or not all((folder / name).is_file() for name in names):
        folder = _download(weights.repo, weights.commit, names)
    verify_files(
        folder,
        weights.files,
        remedy=f"Delete the damaged file and download it again: {_download_command(weights.repo, weights.commit)}.",
    )
    return folder


def _cached(repo: str, revision: str | None, patterns: Sequence[str]) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repo, revision=revision, allow_patterns=list(patterns), local_files_only=True))
    except LocalEntryNotFoundError:
        return None
    except HFValidationError as error:
        raise UnknownModel(
            f"this is no name of a repository ({error}).", where=repo, remedy="Write <organisation>/<name>."
        ) from error


def _download(repo: str, revision: str | None, patterns: Sequence[str]) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(repo, revision=revision, allow_patterns=list(patterns)))
    except Exception as error:  # the client hands on whatever its HTTP library, the disk or the hub raises
        raise _explained(error, repo, revision) from error


def _explained(error: Exception, repo: str, revision: str | None) -> EncoderError:
    from huggingface_hub import constants
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    where = _name(repo, revision)
    hub: str = constants.ENDPOINT
    if isinstance(error, GatedRepoError):
        return WeightsMissing(
            "the model hub gives this model only to accounts that accepted its terms.",
            where=where,
            remedy=f"Accept them at {hub}/{repo}, then `hf auth login`.",
        )
    if isinstance(error, RepositoryNotFoundError):
        return UnknownModel(
            f"{hub} has no such repository, or it is private.",
            where=where,
            remedy="Correct the name, or `hf auth login` with an account that may read it.",
        )
    if isinstance(error, RevisionNotFoundError):
        return UnknownModel(
            "the repository has no such branch, tag or commit.", where=where, remedy="Correct the revision."
        )
    return WeightsMissing(
        f"the model is not in the local cache and could not be fetched from {hub} ({type(error).__name__}).",
        where=where,
        remedy=(
            f"Set HF_ENDPOINT to a mirror that can be reached, or run {_download_command(repo, revision)} where it can "
            f"and copy the cache ({_cache_folder()}), or name a local path instead."
        ),
    )


def _cache_folder() -> str:
    from huggingface_hub import constants

    return os.fspath(constants.HF_HUB_CACHE)


def _download_command(repo: str, revision: str | None) -> str:
    return f"`hf download {repo}" + (f" --revision {revision}`" if revision else "`")


def _name(repo: str, revision: str | None) -> str:
    return f"{repo}@{revision}" if revision else repo


def _unmatched(folder: Path, required: Sequence[str]) -> list[str]:
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    return [pattern for pattern in required if not any(fnmatchcase(name, pattern) for name in names)]
