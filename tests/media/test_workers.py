"""Decoding in processes that crash, hang and eat memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

import media
from media.errors import DecodeOutOfMemory, DecodeStalled, MediaError, UnreadableVideo, WorkerDied
from media.limits import DecodeLimits
from media.shots import DecodedVideo
from media.sound import SoundTrack
from media.spec import SegmenterSpec
from media.workers import MediaWorkers
from tests.media.films import cut_film, scene, write_film

SPEC = SegmenterSpec()
ROOT = Path(media.__file__).parents[1]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("films") / "film.mp4", cut_film([1000], 2000), tone=[(0, 2000)])


@pytest.fixture(scope="module")
def workers() -> Iterator[MediaWorkers]:
    with MediaWorkers(2) as started:
        yield started


def _until(reached: Callable[[], bool], what: str) -> None:
    end_s = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < end_s, f"{what} did not happen"
        time.sleep(0.05)


def test_good_files_give_results_and_bad_ones_their_reason(workers: MediaWorkers, film: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"x" * 1000)
    results = dict(workers.decode_all([film, bad, tmp_path / "gone.mp4"], SPEC))
    assert isinstance(results[film], DecodedVideo)
    assert isinstance(results[bad], UnreadableVideo)
    assert isinstance(results[tmp_path / "gone.mp4"], MediaError)
    assert workers.probe(film).has_audio
    with pytest.raises(UnreadableVideo):
        workers.probe(bad)


def test_a_failed_sound_track_leaves_no_file(workers: MediaWorkers, film: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(film.read_bytes()[:-2000])
    jobs = [(film, tmp_path / "film.pcm"), (cut, tmp_path / "cut.pcm")]
    results = dict(workers.sound_all(jobs))
    assert isinstance(results[film], SoundTrack)
    assert isinstance(results[cut], MediaError)
    assert [path.name for path in sorted(tmp_path.glob("*.pcm"))] == ["film.pcm"]


def test_progress_tells_the_file_and_its_duration(workers: MediaWorkers, film: Path) -> None:
    heard: list[tuple[Path, int, int | None]] = []
    list(workers.decode_all([film], SPEC, on_progress=lambda *event: heard.append(event)))
    assert {path for path, _, _ in heard} == {film}
    assert all(duration_ms is not None and abs(duration_ms - 2000) < 50 for _, _, duration_ms in heard)


def test_a_slow_consumer_slows_the_intake(workers: MediaWorkers, film: Path) -> None:
    taken = 0

    def paths() -> Iterator[Path]:
        nonlocal taken
        for _ in range(30):
            taken += 1
            yield film

    with_results = workers.probe_all(paths())
    for done in range(1, 4):
        next(with_results)
        assert taken <= done + 2 + 2
    with_results.close()


def test_a_child_that_hangs_is_killed_and_replaced(film: Path) -> None:
    with MediaWorkers(1, DecodeLimits(stall_timeout_s=3.0)) as workers:
        workers.probe(film)
        hung = workers.pids[0]
        os.kill(hung, signal.SIGSTOP)
        results = [result for _, result in workers.decode_all([film, film], SPEC)]
        assert isinstance(results[0], DecodeStalled)
        assert results[0].transient
        assert "film.mp4: stopped: no progress in 3 s" in str(results[0])
        assert isinstance(results[1], DecodedVideo)
        assert not psutil.pid_exists(hung)


def test_a_file_that_takes_for_ever_is_stopped(film: Path) -> None:
    with MediaWorkers(1, DecodeLimits(base_deadline_s=2.0, deadline_per_media_second=0.0)) as workers:
        workers.probe(film)
        os.kill(workers.pids[0], signal.SIGSTOP)
        results = [result for _, result in workers.decode_all([film], SPEC)]
    assert isinstance(results[0], DecodeStalled)
    assert "not done after" in str(results[0])


@pytest.mark.parametrize("deadly", [signal.SIGSEGV, signal.SIGKILL])
def test_a_child_that_crashes_takes_only_its_file_with_it(film: Path, deadly: signal.Signals) -> None:
    with MediaWorkers(1) as workers:
        workers.probe(film)
        victim = workers.pids[0]
        os.kill(victim, signal.SIGSTOP)

        def crash() -> None:
            os.kill(victim, deadly)
            os.kill(victim, signal.SIGCONT)

        timer = threading.Timer(0.5, crash)
        timer.start()
        results = [result for _, result in workers.decode_all([film, film], SPEC)]
        timer.join()
    assert isinstance(results[0], WorkerDied)
    assert f"film.mp4: the process decoding it died (killed by {deadly.name})" in str(results[0])
    assert isinstance(results[1], DecodedVideo)


def test_a_child_that_died_between_files_costs_nothing(film: Path) -> None:
    with MediaWorkers(1) as workers:
        workers.probe(film)
        os.kill(workers.pids[0], signal.SIGKILL)
        # Not psutil's status: a process whose first thread has ended is a zombie there while its others still end.
        os.waitid(os.P_PID, workers.pids[0], os.WEXITED | os.WNOWAIT)
        assert workers.probe(film).has_audio


def test_a_file_that_eats_memory_is_refused_with_the_limit(film: Path, tmp_path: Path) -> None:
    still = scene(0, 64, 48).repeat(64, axis=0).repeat(64, axis=1)
    options = {"preset": "ultrafast"}
    large = write_film(tmp_path / "large.mp4", [(still, 0), (still, 40)], codec_options=options)
    with MediaWorkers(1, DecodeLimits(memory_bytes=150 * 2**20)) as workers:
        results = dict(workers.decode_all([large, film], SPEC))
    assert isinstance(results[large], DecodeOutOfMemory)
    assert "large.mp4: decoding it needs more than the 0.1 GiB" in str(results[large])
    assert isinstance(results[film], DecodedVideo)


def test_leaving_an_iteration_stops_its_decodes(film: Path) -> None:
    with MediaWorkers(1) as workers:
        workers.probe(film)
        stopped = workers.pids[0]
        os.kill(stopped, signal.SIGSTOP)
        timer = threading.Timer(0.5, lambda: os.kill(stopped, signal.SIGCONT))
        timer.start()
        results = workers.decode_all([film] * 50, SPEC)
        next(results)
        results.close()
        timer.join()
        assert workers.probe(film).has_audio


def test_closing_leaves_no_process(film: Path) -> None:
    with MediaWorkers(2) as workers:
        list(workers.probe_all([film] * 4))
        pids = workers.pids
        assert len(pids) == 2
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_children_die_with_a_killed_parent_even_when_they_hang(film: Path) -> None:
    program = """
import os, signal, sys, time
from pathlib import Path
from media.workers import MediaWorkers
workers = MediaWorkers(2)
list(workers.probe_all([Path(sys.argv[1])] * 4))
os.kill(workers.pids[0], signal.SIGSTOP)
print(*workers.pids, flush=True)
time.sleep(600)
"""
    parent = subprocess.Popen([sys.executable, "-c", program, str(film)], stdout=subprocess.PIPE, cwd=ROOT, text=True)
    assert parent.stdout is not None
    with parent, parent.stdout:
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2
        parent.kill()
    _until(lambda: not any(_alive(pid) for pid in pids), "the end of the children")


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_module_in_the_working_directory_cannot_pose_as_one_of_ours(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "av.py").write_text("raise SystemExit('wrong av')")
    (tmp_path / "media").mkdir()
    monkeypatch.chdir(tmp_path)
    with MediaWorkers(1) as workers:
        assert workers.probe(film).has_audio


def test_importing_the_package_loads_no_decoder() -> None:
    program = (
        "import sys, pkgutil, importlib, media\n"
        "names = [m.name for m in pkgutil.iter_modules(media.__path__) if m.name != 'adaptive']\n"
        "[importlib.import_module(f'media.{name}') for name in names]\n"
        "print([name for name in ('av', 'cv2', 'scenedetect') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
