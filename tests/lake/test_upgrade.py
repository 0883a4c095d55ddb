"""A lake of an earlier version, opened by this one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import lancedb
import pyarrow as pa
import pytest

from lake.errors import LakeError
from lake.releases import Releases
from lake.schema import RELEASES, TABLES, WORK_LOG
from lake.store import Lake


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A lake without the table of work and without the kind of a release."""
    folder = tmp_path / "lake"
    folder.mkdir()
    connection = lancedb.connect(folder)
    for spec in TABLES:
        if spec is WORK_LOG:
            continue
        kept = [field for field in spec.schema if (spec, field.name) != (RELEASES, "kind")]
        connection.create_table(spec.name, schema=pa.schema(kept))
    rows = [
        {
            "release_id": number,
            "spaces_json": '{"visual": "v"}',
            "fusion_json": "{}",
            "evidence_json": "{}",
            "reason": "",
            "predecessor": before,
            "created_at": datetime.now(UTC),
        }
        for number, before in ((1, None), (2, 1))
    ]
    connection.open_table(RELEASES.name).add(rows)
    return folder


@pytest.mark.parametrize("create", [True, False])
def test_an_older_lake_gets_the_tables_and_columns_it_lacks(old: Path, create: bool) -> None:
    lake = Lake(old, create=create)
    assert [release.kind for release in Releases(lake).all()] == ["first", "promotion"]
    assert lake.count(WORK_LOG.name) == 0
    live = Releases(lake).live()
    Releases(lake).append(kind="rollback", spaces={}, fusion={}, evidence={}, reason="", after=live)
    assert [release.kind for release in Releases(Lake(old)).all()] == ["first", "promotion", "rollback"]


def test_a_column_that_cannot_be_guessed_is_an_error_that_names_it(old: Path) -> None:
    lancedb.connect(old).open_table("segments").drop_columns(["start_ms"])
    with pytest.raises(LakeError, match=r"table segments: the column `start_ms` is missing"):
        Lake(old)
