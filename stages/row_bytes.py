"""How many bytes a subject of a stage takes on disk, measured on what is there."""

from __future__ import annotations

from collections.abc import Mapping

from encoders.family import ModelSpec
from lake.schema import (
    CAPTIONS,
    DECODES,
    DOCUMENTS,
    KEYFRAMES,
    SCREEN_TEXTS,
    SEGMENTS,
    SPACES,
    TRANSCRIPTS,
    VECTORS_PREFIX,
    VIDEOS,
    TableSpec,
)
from lake.store import Lake
from stages.vectors import stage_name, table_of

BYTES_BESIDE_A_VECTOR = 120
"""What a row of a vector table takes besides its vector, where no table is large enough to measure it on."""

ENOUGH_ROWS = 1000
"""A table of a handful of vectors is all overhead."""

_TABLES: Mapping[str, tuple[TableSpec, ...]] = {
    "videos": (VIDEOS,),
    "segments": (DECODES, SEGMENTS, KEYFRAMES),
    "transcripts": (TRANSCRIPTS,),
    "captions": (CAPTIONS,),
    "screen_texts": (SCREEN_TEXTS,),
    "documents": (DOCUMENTS,),
}
"""Where a stage writes to; the rows of the first are its subjects."""

_SPACES = {stage_name(space): space for space in SPACES}


def bytes_each(lake: Lake, stage: str, spec: ModelSpec | None) -> float:
    """The bytes that one more subject of a stage takes; 0 where nothing is there to measure it on.

    Args:
        lake: What is there.
        stage: Any of the pipeline.
        spec: For vectors, the model that makes them.
    """
    if stage in _TABLES:
        rows = lake.count(_TABLES[stage][0].name)
        return sum(_size_of(lake, table.name) for table in _TABLES[stage]) / rows if rows else 0.0
    assert spec is not None  # vectors are made by a model
    space, vector_bytes = _SPACES[stage], 4 * int(spec.dim)  # type: ignore[attr-defined]
    own = table_of(spec, space).name
    others = [name for name in lake.vectors_tables() if name.startswith(f"{VECTORS_PREFIX}{space}__")]
    for name in (own, *others):
        if lake.has_table(name) and (rows := lake.count(name)) >= ENOUGH_ROWS:
            its_vector_bytes = 4 * int(lake.table(name).schema.field("vector").type.list_size)
            return max(0.0, _size_of(lake, name) / rows - its_vector_bytes) + vector_bytes
    return float(vector_bytes + BYTES_BESIDE_A_VECTOR)


def _size_of(lake: Lake, table: str) -> int:
    folder = lake.folder / f"{table}.lance"
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
