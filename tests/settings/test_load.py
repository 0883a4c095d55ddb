from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

import settings
from settings import Settings, SettingsError, load_settings
from settings.load import FILE_VARIABLE
from settings.model import with_file

SHIPPED = Path(settings.__file__).parents[1] / "reelindex.toml"


WITHOUT_DEFAULT = {
    "media.workers",
    "backfill.max_segments_per_night",
    "backfill.max_minutes_per_night",
    "promotion.evaluation",
    "training.pairs",
}
"""Settings that limit nothing, or name nothing, unless they are written."""


@pytest.fixture(autouse=True)
def _nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in list(os.environ):
        if variable.startswith("REELINDEX_"):
            monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "own.toml"
    monkeypatch.setenv(FILE_VARIABLE, str(path))
    return path


def _error() -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return str(caught.value)


def test_the_shipped_file_has_exactly_the_defaults() -> None:
    defaults = load_settings().model_dump()
    assert with_file(SHIPPED)().model_dump() == defaults
    written = tomllib.loads(SHIPPED.read_text())
    keys = {f"{section}.{key}" for section, values in written.items() for key in values}
    known = {f"{section}.{key}" for section, values in defaults.items() for key in values}
    assert known - keys == WITHOUT_DEFAULT, "every other key is in the file"
    assert "# workers = " in SHIPPED.read_text()


def test_the_file_here_is_read_and_a_named_one_instead_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "reelindex.toml").write_text("[media]\nworkers = 3\n")
    assert load_settings().media.workers == 3
    (tmp_path / "own.toml").write_text("[ingest]\nmax_attempts = 9\n")
    monkeypatch.setenv(FILE_VARIABLE, "own.toml")
    assert (load_settings().media.workers, load_settings().ingest.max_attempts) == (None, 9)
    monkeypatch.setenv(FILE_VARIABLE, "")
    assert load_settings().media.workers == 3, "an empty variable is as good as none"


def test_the_environment_wins_over_the_file_over_the_defaults(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("[segments]\nmax_segment_s = 5.0\nmin_scene_len_s = 1.0\n")
    monkeypatch.setenv("REELINDEX_SEGMENTS__MAX_SEGMENT_S", "7.5")
    monkeypatch.setenv("REELINDEX_INGEST__WATCH", '["/videos"]')
    found = load_settings()
    assert (found.segments.max_segment_s, found.segments.min_scene_len_s) == (7.5, 1.0)
    assert found.segments.adaptive_threshold == Settings().segments.adaptive_threshold
    assert found.ingest.watch == (Path("/videos"),)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[media]\nworker = 2", "`media.worker`"),
        ("[medium]\nworkers = 2", "`medium`"),
        ("[media]\nworkers = 'many'", "`media.workers`"),
        ("[media]\nworkers = 0", "`media.workers`"),
        ("[segments]\nmax_segment_s = 0.5", "`segments.max_segment_s`"),
        ("[ingest]\nwatch = '/videos'", "`ingest.watch`"),
        ("media = 3", "`media`"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_the_file(file: Path, text: str, key: str) -> None:
    file.write_text(text)
    message = _error()
    assert message.startswith(f"{file}: the setting {key} is wrong: ")
    assert "\n" not in message


def test_a_wrong_value_in_the_environment_is_named_with_its_variable(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("[media]\nworkers = 2")
    monkeypatch.setenv("REELINDEX_MEDIA__WORKERS", "many")
    assert _error().startswith("REELINDEX_MEDIA__WORKERS: the setting `media.workers` is wrong: ")


@pytest.mark.parametrize("variable", ["REELINDEX_MEDIA__WORKER", "REELINDEX_MODEL__VISUAL"])
def test_an_unknown_variable_is_an_error_that_names_it(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "1")
    assert _error().startswith(f"{variable}: ")


def test_variables_of_other_purpose_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELINDEX_HOME", "/somewhere")
    monkeypatch.setenv("REELINDEX_CORPUS", "/elsewhere")
    assert load_settings().model_dump() == Settings().model_dump()


def test_a_list_that_is_not_json_is_an_error_and_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELINDEX_INGEST__WATCH", "/videos")
    message = _error()
    assert "ingest" in message
    assert '["/videos"]' in message


@pytest.mark.parametrize("content", [b"workers = = 2", b"\xff\xfe\x00"], ids=["another language", "no text"])
def test_a_file_that_is_not_toml_is_named(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert _error().startswith(f"{file}: this is not TOML: ")


def test_a_named_file_that_is_not_there_is_an_error(file: Path) -> None:
    assert _error() == f"{file}: the file that {FILE_VARIABLE} names is not there."


def test_watched_folders_are_absolute(file: Path, tmp_path: Path) -> None:
    file.write_text("[ingest]\nwatch = ['films', '~/films']")
    assert load_settings().ingest.watch == (tmp_path / "films", Path("~/films").expanduser())
