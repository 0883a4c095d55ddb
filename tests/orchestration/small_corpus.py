"""Small real corpora for whole runs, and what a run left behind in a form that can be compared."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lake.schema import CAPTIONS, DECODES, DOCUMENTS, FILES, KEYFRAMES, SEGMENTS, TRANSCRIPTS, VIDEOS
from lake.store import Lake
from tests.media.films import Image, scene, write_film

WIDTH, HEIGHT = 128, 96

MOMENTS = ("seen_at", "first_seen_at")
"""Columns that tell when a row was written, which two runs do not share."""


def dots() -> Image:
    """Red dots on black, `(HEIGHT, WIDTH, 3)`: the captioner is sure that this is a digital clock."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    lit = np.hypot(x % 16 - 8, y % 16 - 8) < 5
    return np.asarray(lit[..., None] * np.asarray((255, 60, 60)), dtype=np.uint8)


def make_films(folder: Path, count: int, *, first: int = 0) -> list[Path]:
    """Some videos of different content: cuts at different times, one shot with a label, every second one with sound."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(first, first + count):
        cuts = [1000 + 120 * number, 2400 + 40 * number]
        frames = [
            (dots() if pts_ms < cuts[0] else scene(number + (pts_ms >= cuts[1]), WIDTH, HEIGHT), pts_ms)
            for pts_ms in range(0, 3600 + 80 * number, 40)
        ]
        tone = [(0, 1500)] if number % 2 else []
        paths.append(write_film(folder / f"film {number}.mp4", frames, tone=tone))
    return paths


def reelindex(*arguments: str | Path, home: Path, **environment: str) -> subprocess.Popen[str]:
    """The command line in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", "from orchestration.cli import main; main()", *map(str, arguments), "--home", str(home)],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen[str]) -> str:
    """What a command printed; it must have ended well."""
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    return out


def contents(lake: Lake) -> dict[str, list[dict[str, Any]]]:
    """Every row of the tables that a run fills, sorted by key, without the moments and without vectors."""
    found = {}
    for spec in (FILES, VIDEOS, DECODES, SEGMENTS, KEYFRAMES, TRANSCRIPTS, CAPTIONS, DOCUMENTS):
        columns = [name for name in spec.schema.names if name not in MOMENTS]
        found[spec.name] = lake.read(spec.name, columns).sort_by(spec.key).to_pylist()
    return found


def vectors(lake: Lake) -> dict[str, pa.Table]:
    """Every vector table, sorted by key."""
    return {name: lake.snapshot(name).to_table().sort_by("segment_id") for name in lake.vectors_tables()}


def _take_scores(rows: dict[str, list[dict[str, Any]]]) -> list[float]:
    """Takes the scores out of the captions' labels, and gives them back in the order of the rows."""
    return [label.pop("score") for caption in rows[CAPTIONS.name] for label in caption["labels"]]


def demand_same(lake: Lake, reference: Lake) -> None:
    """Demands that two lakes hold the same rows, none double.

    Vectors and the scores of labels may differ by the rounding of another batch, and by no more.
    """
    rows, other_rows = contents(lake), contents(reference)
    np.testing.assert_allclose(_take_scores(rows), _take_scores(other_rows), atol=1e-5)
    assert rows == other_rows
    mine, theirs = vectors(lake), vectors(reference)
    assert mine.keys() == theirs.keys()
    for name, table in mine.items():
        assert table.drop_columns("vector").equals(theirs[name].drop_columns("vector"))
        ours, other = (one["vector"].combine_chunks().flatten().to_numpy() for one in (table, theirs[name]))
        np.testing.assert_allclose(ours, other, atol=1e-5)
        assert table.num_rows, f"{name} is empty: the films give it nothing"
        assert len(set(table["segment_id"].to_pylist())) == table.num_rows
