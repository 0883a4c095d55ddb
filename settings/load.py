"""Reading the settings, with errors that name the key."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from pydantic import ValidationError

from kernel.errors import ReelindexError
from settings.model import Settings, with_file

FILE_VARIABLE = "REELINDEX_CONFIG"
DEFAULT_FILE = "reelindex.toml"


class SettingsError(ReelindexError):
    """A setting that is unknown or has a wrong value."""


def load_settings() -> Settings:
    """The settings of the file named by `REELINDEX_CONFIG`, else of `reelindex.toml` here, under the environment.

    Raises:
        SettingsError: The named file is not there, is not TOML, or has a key that is unknown or a value that is wrong.
    """
    path = _settings_file()
    place = str(path) if path else "the environment"
    try:
        return with_file(path)()
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"this is not TOML: {error}.", where=place) from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise SettingsError(
            f"the setting `{key}` is wrong: {first['msg']}.", where=place, remedy="See the comments in reelindex.toml."
        ) from error


def _settings_file() -> Path | None:
    named = os.environ.get(FILE_VARIABLE)
    if named is None:
        here = Path(DEFAULT_FILE)
        return here.resolve() if here.is_file() else None
    path = Path(named).expanduser().resolve()
    if not path.is_file():
        raise SettingsError(f"the file that {FILE_VARIABLE} names is not there.", where=str(path))
    return path
