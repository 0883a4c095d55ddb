from __future__ import annotations

import os
from pathlib import Path

import pytest

from kernel.identity import video_id_of
from lake.failures import Failures
from lake.schema import FAILURES, FILES, VIDEOS
from lake.store import Lake
from media.errors import FileUnavailable, UnreadableVideo
from stages import files
from stages.files import FileChanged, compare, locate, scan
from stages.scope import Scope
from stages.videos import plan_videos


@pytest.fixture(scope="module")
def shared_lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return Lake(tmp_path_factory.mktemp("lake"))


@pytest.fixture
def scope(shared_lake: Lake) -> Scope:
    for table in (FAILURES, FILES, VIDEOS):
        shared_lake.table(table.name).delete("true")
    return Scope(shared_lake, Failures(shared_lake, max_attempts=3))


@pytest.fixture
def films(tmp_path: Path) -> Path:
    folder = tmp_path / "films"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.mp4").write_bytes(name.encode() * 100)
    return folder


def _rows(lake: Lake) -> dict[str, tuple[str, bool]]:
    rows = lake.read(FILES.name, ["uri", "video_id", "missing"]).to_pylist()
    return {Path(row["uri"]).name: (row["video_id"], row["missing"]) for row in rows}


def test_a_second_scan_reads_nothing(scope: Scope, films: Path) -> None:
    (films / "notes.txt").write_text("x")
    assert scan(scope, [films]).read == 2
    changes = compare(scope.lake, [films])
    assert changes.is_empty
    assert (changes.unchanged, changes.ignored) == (2, {".txt": 1})
    assert scan(scope, [films]).read == 0


def test_a_touched_file_is_read_again_and_stays_the_same_video(scope: Scope, films: Path) -> None:
    scan(scope, [films])
    before = _rows(scope.lake)
    os.utime(films / "a.mp4", ns=(1, 1))
    assert [file.path.name for file in compare(scope.lake, [films]).to_read] == ["a.mp4"]
    scan(scope, [films])
    assert _rows(scope.lake) == before
    assert compare(scope.lake, [films]).is_empty


def test_a_renamed_file_is_the_same_video_in_another_place(scope: Scope, films: Path) -> None:
    scan(scope, [films])
    video_id = video_id_of(films / "a.mp4")
    (films / "a.mp4").rename(films / "z.mp4")
    report = scan(scope, [films])
    assert (report.read, report.gone) == (1, 1)
    rows = _rows(scope.lake)
    assert (rows["a.mp4"], rows["z.mp4"]) == ((video_id, True), (video_id, False))


def test_a_file_that_went_and_came_back_is_known_without_being_read(scope: Scope, films: Path, tmp_path: Path) -> None:
    scan(scope, [films])
    (films / "a.mp4").rename(tmp_path / "away")
    assert scan(scope, [films]).gone == 1
    assert compare(scope.lake, [films]).is_empty, "gone is told once"
    (tmp_path / "away").rename(films / "a.mp4")
    assert [file.path.name for file in compare(scope.lake, [films]).returned] == ["a.mp4"]
    assert scan(scope, [films]).read == 0
    assert not _rows(scope.lake)["a.mp4"][1]


def test_files_of_a_folder_that_vanished_are_marked_and_others_are_not(scope: Scope, films: Path) -> None:
    (films / "sub").mkdir()
    (films / "a.mp4").rename(films / "sub" / "a.mp4")
    other = films.parent / "other"
    other.mkdir()
    (other / "c.mp4").write_bytes(b"c")
    scan(scope, [films, other])
    (films / "sub" / "a.mp4").unlink()
    (films / "sub").rmdir()
    (other / "c.mp4").unlink()
    assert scan(scope, [films]).gone == 1
    assert {name: missing for name, (_, missing) in _rows(scope.lake).items()} == {
        "a.mp4": True,
        "b.mp4": False,
        "c.mp4": False,  # not under what was scanned
    }
    with pytest.raises(FileUnavailable, match="sub"):
        compare(scope.lake, [films / "sub"])


@pytest.mark.parametrize("written", ["films/../films", "./films"])
def test_what_is_gone_is_found_however_the_folder_is_written(
    scope: Scope, films: Path, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(films.parent)
    scan(scope, [Path(written)])
    (films / "a.mp4").unlink()
    assert compare(scope.lake, [Path(written)]).gone == (str(films / "a.mp4"),)


def test_a_file_that_is_still_being_written_is_left_for_the_next_scan(
    scope: Scope, films: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_while_it_grows(path: Path) -> str:
        video_id = video_id_of(path)
        if path.name == "a.mp4":
            path.write_bytes(path.read_bytes() + b"more")
        return video_id

    with monkeypatch.context() as patched:
        patched.setattr(files, "video_id_of", read_while_it_grows)
        report = scan(scope, [films])
    assert report.read == 1
    assert len(report.unreadable) == 1
    assert "a.mp4: it is still being written" in report.unreadable[0]
    assert set(_rows(scope.lake)) == {"b.mp4"}
    assert scan(scope, [films]).read == 1
    assert _rows(scope.lake)["a.mp4"][0] == video_id_of(films / "a.mp4")


def test_a_file_that_cannot_be_read_is_named_and_the_rest_goes_in(
    scope: Scope, films: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> str:
        if path.name == "a.mp4":
            raise PermissionError(13, "Permission denied")
        return video_id_of(path)

    monkeypatch.setattr(files, "video_id_of", refuse)
    report = scan(scope, [films])
    assert report.unreadable == (f"{films / 'a.mp4'}: Permission denied",)
    assert set(_rows(scope.lake)) == {"b.mp4"}


def test_a_lake_that_cannot_be_written_is_not_taken_for_a_bad_file(
    scope: Scope, films: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "FILES_PER_WRITE", 1)
    monkeypatch.setattr(Lake, "upsert", full)
    with pytest.raises(OSError, match="No space left"):
        scan(scope, [films])


@pytest.mark.skipif(os.name != "posix", reason="file names are text here")
def test_a_name_that_is_not_text_is_reported_and_the_rest_goes_in(scope: Scope, films: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(films) + b"/caf\xe9.mp4")).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    report = scan(scope, [films])
    assert report.read == 2
    assert report.unreadable == (r"caf\xe9.mp4: its path is not UTF-8. Rename the file or its folder.",)
    assert compare(scope.lake, [films]).is_empty


def test_a_file_that_was_overwritten_after_the_scan_is_not_found_under_its_old_name(scope: Scope, films: Path) -> None:
    scan(scope, [films])
    old_id = video_id_of(films / "a.mp4")
    (films / "a.mp4").write_bytes(b"another film")
    place = locate(scope.lake, [old_id])[old_id]
    assert isinstance(place, FileChanged)
    assert place.where == str(films / "a.mp4")
    assert place.transient


def test_of_equal_files_one_that_is_still_there_is_found(scope: Scope, films: Path) -> None:
    content = (films / "a.mp4").read_bytes()
    for name in ("copy 1.mp4", "copy 2.mp4"):
        (films / name).write_bytes(content)
    scan(scope, [films])
    video_id = video_id_of(films / "a.mp4")
    assert locate(scope.lake, [video_id]) == {video_id: films / "a.mp4"}
    (films / "a.mp4").unlink()
    assert locate(scope.lake, [video_id]) == {video_id: films / "copy 1.mp4"}
    (films / "copy 1.mp4").write_bytes(b"changed")
    assert locate(scope.lake, [video_id]) == {video_id: films / "copy 2.mp4"}
    (films / "copy 2.mp4").unlink()
    assert isinstance(locate(scope.lake, [video_id])[video_id], FileChanged)


def test_a_video_that_no_scan_has_seen_has_no_place(scope: Scope) -> None:
    assert isinstance(locate(scope.lake, ["f" * 32])["f" * 32], FileChanged)


def test_a_file_that_went_before_it_was_probed_is_no_longer_wanted(scope: Scope, films: Path) -> None:
    scan(scope, [films])
    assert len(plan_videos(scope).new) == 2
    (films / "a.mp4").unlink()
    scan(scope, [films])
    assert plan_videos(scope).new == (video_id_of(films / "b.mp4"),)


def test_what_was_set_aside_for_want_of_a_file_is_tried_again_when_the_file_is_back(
    scope: Scope, films: Path, tmp_path: Path
) -> None:
    scan(scope, [films])
    lost, broken = video_id_of(films / "a.mp4"), video_id_of(films / "b.mp4")
    once = Scope(scope.lake, Failures(scope.lake, max_attempts=1))
    (films / "a.mp4").rename(tmp_path / "away")
    scan(once, [films])
    missing = locate(scope.lake, [lost])[lost]
    assert isinstance(missing, FileChanged)
    assert once.fail("transcripts", lost, lost, "new", missing).quarantined
    assert once.fail("transcripts", broken, broken, "new", UnreadableVideo("corrupt")).quarantined
    (tmp_path / "away").rename(films / "a.mp4")
    scan(once, [films])
    assert scope.failures.quarantined("transcripts", "new") == {broken}
