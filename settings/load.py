"""Reading the settings, with errors that name the key."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import SettingsError as UnparsedVariable

from kernel.errors import ReelindexError
from settings.model import Settings, with_file

FILE_VARIABLE = "REELINDEX_CONFIG"
DEFAULT_FILE = "reelindex.toml"
PREFIX = "REELINDEX_"
DELIMITER = "__"


class SettingsError(ReelindexError):
    """A setting that is unknown or has a wrong value."""


def load_settings() -> Settings:
    """The settings of the file named by `REELINDEX_CONFIG`, else of `reelindex.toml` here, under the environment.

    Raises:
        SettingsError: The named file is not there, is not TOML, or has a key that is unknown or a value that is wrong.
    """
    path = _settings_file()
    place = str(path) if path else "the environment"
    _demand_known_sections()
    try:
        return with_file(path)()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"this is not TOML: {error}.", where=place) from error
    except OSError as error:
        raise SettingsError(f"it cannot be read: {error.strerror}.", where=place) from error
    except UnparsedVariable as error:
        raise SettingsError(
            f"{error}: {error.__cause__}.",
            where="the environment",
            remedy='A list is written as JSON, for instance ["/videos"].',
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        keys = [str(part) for part in first["loc"]]
        raise SettingsError(
            f"the setting `{'.'.join(keys)}` is wrong: {first['msg']}.",
            where=_variable_of(keys) or place,
            remedy="See the comments in reelindex.toml.",
        ) from error


def _settings_file() -> Path | None:
    named = os.environ.get(FILE_VARIABLE)
    if not named:
        here = Path(DEFAULT_FILE)
        return here.resolve() if here.is_file() else None
    path = Path(named).expanduser().resolve()
    if not path.is_file():
        raise SettingsError(f"the file that {FILE_VARIABLE} names is not there.", where=str(path))
    return path


def _demand_known_sections() -> None:
    # The library passes over variables whose section it does not know, and a slip of the pen would change nothing.
    for variable in sorted(os.environ):
        section, delimiter, _ = variable.upper().removeprefix(PREFIX).partition(DELIMITER)
        if variable.upper().startswith(PREFIX) and delimiter and section.lower() not in Settings.model_fields:
            known = ", ".join(Settings.model_fields)
            raise SettingsError(
                f"there is no section `{section.lower()}`.", where=variable, remedy=f"There are: {known}."
            )


def _variable_of(keys: list[str]) -> str | None:
    """The environment variable that a setting comes from, None where it comes from the file."""
    name = (PREFIX + DELIMITER.join(keys[:2])).upper()
    return next((variable for variable in os.environ if variable.upper() == name), None)
