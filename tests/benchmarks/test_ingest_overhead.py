"""The ratios, and what is run."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.ingest_overhead import INGEST, LOOP, LOOP_WITH_SHOTS, command_of, ratios

times = st.lists(st.floats(0.1, 1000.0), min_size=1, max_size=9)


def test_ratio_of_minima_and_of_medians() -> None:
    assert ratios([6.0, 9.0, 30.0], [5.0, 4.0, 6.0]) == {"minimum": 1.5, "median": 1.8}


@given(times, st.floats(0.1, 10.0))
def test_a_machine_twice_as_slow_changes_no_ratio(measured: list[float], factor: float) -> None:
    slower = [each * factor for each in measured]
    assert ratios(slower, slower) == {"minimum": 1.0, "median": 1.0}
    assert ratios(slower, measured)["minimum"] == pytest.approx(factor)


@pytest.mark.parametrize("name", [INGEST, LOOP, LOOP_WITH_SHOTS])
def test_everything_written_goes_below_the_scratch_folder(name: str, tmp_path: Path) -> None:
    folder, scratch = tmp_path / "videos", tmp_path / "scratch"
    paths = [Path(part) for part in command_of(name, folder, scratch)[1:] if part.startswith(str(tmp_path))]
    assert [path for path in paths if path != folder and scratch not in path.parents] == []
    assert ("--with-shots" in command_of(name, folder, scratch)) == (name == LOOP_WITH_SHOTS)
