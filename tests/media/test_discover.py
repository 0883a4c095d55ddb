"""Which files of a folder are taken."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from media.discover import discover
from media.errors import FileUnavailable


def _touch(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_videos_are_found_in_every_folder_in_order(tmp_path: Path) -> None:
    names = ["a b.mp4", "-dash.MKV", "deep/er/ünï.webm", "new\nline.mov", "z.gif"]
    made = [_touch(tmp_path / name) for name in names]
    found = discover([tmp_path]).files
    assert [file.path for file in found] == sorted(made)
    assert all(file.size_bytes == 1 and file.mtime_ns == file.path.stat().st_mtime_ns for file in found)


def test_a_name_that_is_no_text_is_fine(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.mp4"))
    _touch(path)
    assert [file.path for file in discover([tmp_path]).files] == [path]


def test_other_files_are_counted_by_extension_and_hidden_ones_left_out(tmp_path: Path) -> None:
    for name in ("a.txt", "b.TXT", "noext", ".hidden.mp4", ".hidden/c.mp4"):
        _touch(tmp_path / name)
    found = discover([tmp_path])
    assert found.files == ()
    assert found.ignored == {"": 1, ".txt": 2}


def test_program_text_is_not_a_transport_stream(tmp_path: Path) -> None:
    _touch(tmp_path / "app.ts", b"export const answer = 42;")
    stream = _touch(tmp_path / "film.ts", b"\x47" + bytes(187))
    found = discover([tmp_path])
    assert [file.path for file in found.files] == [stream]
    assert found.ignored == {".ts": 1}


def test_a_named_file_is_always_taken_and_only_once(tmp_path: Path) -> None:
    named = _touch(tmp_path / ".hidden" / "recording")
    video = _touch(tmp_path / "a.mp4")
    assert [file.path for file in discover([named, video, tmp_path]).files] == [named, video]


def test_link_loops_end(tmp_path: Path) -> None:
    video = _touch(tmp_path / "folder" / "a.mp4")
    (tmp_path / "folder" / "loop").symlink_to(tmp_path)
    assert [file.path for file in discover([tmp_path]).files] == [video]


def test_a_broken_link_is_told(tmp_path: Path) -> None:
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "nowhere")
    found = discover([tmp_path])
    assert found.files == ()
    assert [error.where for error in found.unreadable] == ["gone.mp4"]


def test_relative_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _touch(tmp_path / "-a.mp4")
    assert discover([Path("-a.mp4")]).files == discover([Path()]).files
    assert discover([Path("-a.mp4")]).files[0].path.is_absolute()


def test_a_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileUnavailable, match=r"missing\.mp4: cannot be read: no such file"):
        discover([tmp_path / "missing.mp4"])
