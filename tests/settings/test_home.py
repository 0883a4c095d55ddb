from __future__ import annotations

from pathlib import Path

import pytest

from settings import Home
from settings.home import HOME_VARIABLE


def test_a_named_folder_comes_before_the_environment_before_the_folder_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(HOME_VARIABLE, raising=False)
    here = tmp_path.resolve() / ".reelindex"
    assert Home.find() == Home(here)
    monkeypatch.setenv(HOME_VARIABLE, "")
    assert Home.find() == Home(here), "never the working folder itself"
    monkeypatch.setenv(HOME_VARIABLE, "elsewhere")
    assert Home.find() == Home(tmp_path.resolve() / "elsewhere")
    assert Home.find(Path("~/named")) == Home(Path("~/named").expanduser().resolve())


def test_everything_lies_in_the_one_folder(tmp_path: Path) -> None:
    home = Home(tmp_path)
    folders = [home.lake, home.dagster, home.caches, home.explore, home.scratch]
    assert {folder.parent for folder in folders} == {tmp_path}
    assert len(set(folders)) == len(folders)
