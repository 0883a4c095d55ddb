"""A stronger encoder that has filled the lake already teaches a head what it knows of the same segments."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from encoders.registry import load_visual, resolve
from lake.schema import vectors_table_name
from lake.store import Lake
from training.errors import BadPairs
from training.pairs import TrainingSet
from training.sentences import embed_sentences
from training.teachers import Teacher


def teacher_from_lake(lake: Lake, pairs: TrainingSet, reference: str, *, cache_dir: Path | None = None) -> Teacher:
    """The vectors that a visual version of the lake has of the items, and those it gives their sentences.

    Args:
        lake: Where the version has vectors of all the items.
        pairs: Gathered from this lake: an item's name is its segment.
        reference: Of the encoder, as the settings would name it.
        cache_dir: Where the sentences' vectors are kept.

    Raises:
        BadPairs: The version has no vectors here, or not of every item.
        UnknownModel, WeightsMissing: There is no such encoder here.
    """
    spec = resolve("visual", reference)
    table = vectors_table_name("visual", spec.version)
    if table not in lake.vectors_tables():
        raise BadPairs(
            "the teacher has no vectors in this lake.", where=spec.version, remedy="Backfill it first, then train."
        )
    found = lake.read(table, ["segment_id", "vector"])
    place = {segment: row for row, segment in enumerate(found["segment_id"].to_pylist())}
    missing = [name for name in pairs.names if name not in place]
    if missing:
        raise BadPairs(
            f"the teacher has no vector of {len(missing)} of {len(pairs)} items, for instance {missing[0]}.",
            where=spec.version,
            remedy="Finish its backfill first; items from a file of features cannot be taught.",
        )
    vectors = pc.list_flatten(found["vector"]).to_numpy().reshape(len(found), -1)
    encoder = load_visual(spec, cache_dir=cache_dir)
    return Teacher(
        items=np.ascontiguousarray(vectors[[place[name] for name in pairs.names]], dtype=np.float32),
        sentences=embed_sentences(encoder, spec.query_spec.version, pairs.texts, cache_dir),
    )
