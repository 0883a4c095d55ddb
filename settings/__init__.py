"""What a user may set: `reelindex.toml`, the environment, and the home folder."""

from settings.home import Home
from settings.load import SettingsError, load_settings
from settings.model import Settings

__all__ = ["Home", "Settings", "SettingsError", "load_settings"]
