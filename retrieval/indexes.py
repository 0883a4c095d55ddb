"""The indexes that searches and upserts use: made when missing, brought up to date when behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from lake.known_words import fill_words
from lake.schema import DOCUMENTS, FILES, KEYFRAMES, WORDS
from lake.store import Lake
from retrieval.errors import IndexRaced
from retrieval.indexed_language import language_of
from retrieval.legs import PARTITION_ROWS, WORDS_LEGS
from retrieval.words import Language

if TYPE_CHECKING:
    from lancedb.index import IvfRq, IvfSq
    from lancedb.table import Table

ANN_FROM_ROWS = 5_000
"""Below this many vectors an exact search costs little more than an index does (docs/performance.md)."""
QUANTIZED_BITS = 4
"""Of each number of a vector in an index: as good as 8 with scalar quantization, at half of what is read."""

MOST_PIECES = 4
"""What is new in a vector index is a piece of its own, which every search asks too: more of them become one."""

_RABITQ_BLOCK = 8
"""Of what Lance makes RaBitQ codes the dimension is a multiple of this; others are quantized number by number."""

_ATTEMPTS = 4
_ENGLISH = Language()


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What was done.

    Attributes:
        created: The columns that got an index, as `<table>.<column>`.
        caught_up: Rows that were in no index before, by table; tables that were up to date are not named.
    """

    created: tuple[str, ...]
    caught_up: dict[str, int]


def ensure_indexes(lake: Lake, *, language: Language = _ENGLISH, ann_from_rows: int = ANN_FROM_ROWS) -> IndexReport:
    """Makes the indexes that are missing and takes the rows into them that are new; cheap when there are none.

    Full text on each column of words, with positions, in a language: also on an empty table, because a
    row that is not indexed yet is read with the stems of the index that is there. A B-tree on each key, which upserts
    look rows up by, and on the videos of vectors, by which a search finds what is near in time. An IVF index with
    RaBitQ codes on the vectors of a table that has grown to `ann_from_rows`.

    Safe beside writers and beside itself in another process.

    Raises:
        IndexRaced: Other processes changed a table in every attempt.
    """
    from lancedb.index import BTree

    _leave_other_language(lake, language)
    wanted: dict[str, dict[str, Any]] = {
        DOCUMENTS.name: {"segment_id": BTree()} | dict.fromkeys(WORDS_LEGS, language.index()),
        FILES.name: {"video_id": BTree()},
        KEYFRAMES.name: {"segment_id": BTree()},
        WORDS.name: {"word": BTree()},
    }
    for name in lake.vectors_tables():
        is_large = lake.count(name) >= ann_from_rows
        keys = {"segment_id": BTree(), "video_id": BTree()}
        wanted[name] = keys | ({"vector": _vectors_index(lake.dimension(name))} if is_large else {})
    fill_words(lake)
    created: list[str] = []
    caught_up: dict[str, int] = {}
    for name, indexes in wanted.items():
        table = lake.table(name)
        created += [f"{name}.{column}" for column, config in indexes.items() if _create(table, column, config)]
        behind = max((index.num_unindexed_rows or 0 for index in table.list_indices()), default=0)
        _retried(table, table.optimize)
        _merge_pieces(lake, table)
        if behind:
            caught_up[name] = behind
    return IndexReport(tuple(created), caught_up)


def _vectors_index(dim: int) -> IvfRq | IvfSq:
    from lancedb.index import IvfRq, IvfSq

    # More training than this finds no more (docs/performance.md).
    partitions: dict[str, Any] = {"target_partition_size": PARTITION_ROWS, "max_iterations": 15, "sample_rate": 64}
    if dim % _RABITQ_BLOCK:
        return IvfSq(distance_type="cosine", **partitions)
    return IvfRq(distance_type="cosine", num_bits=QUANTIZED_BITS, **partitions)


def _leave_other_language(lake: Lake, language: Language) -> None:
    """Drops full-text indexes in another language; words are found by reading them until the new ones are there."""
    if language_of(lake) in (None, language):
        return
    table = lake.table(DOCUMENTS.name)
    for index in table.list_indices():
        if index.columns[0] in WORDS_LEGS:
            table.drop_index(index.name)


def _create(table: Table, column: str, config: Any) -> bool:
    """Makes an index unless the column has one. Of two processes that try at once, one does and one finds it there."""
    if _has_index(table, column):
        return False
    for _ in range(_ATTEMPTS):
        try:
            table.create_index(column, config=config, replace=False)
            return True
        except RuntimeError as error:
            if _has_index(table, column):
                return False
            raced = _conflict(error, table)
    raise raced


def _has_index(table: Table, column: str) -> bool:
    return any(index.columns == [column] for index in table.list_indices())


def _merge_pieces(lake: Lake, table: Table) -> None:
    for index in table.list_indices():
        pieces = index.num_segments or 1
        if pieces > MOST_PIECES:
            _retried(table, partial(_merge, lake, table.name, index.name, pieces))


def _merge(lake: Lake, table_name: str, index_name: str, pieces: int) -> None:
    # LanceDB's own call has no word for this.
    optimizer = lake.snapshot(table_name).optimize
    optimizer.optimize_indices(index_names=[index_name], num_indices_to_merge=pieces)


def _retried(table: Table, change: Callable[[], object]) -> None:
    for _ in range(_ATTEMPTS):
        try:
            change()
            return
        except RuntimeError as error:
            raced = _conflict(error, table)
    raise raced


def _conflict(error: RuntimeError, table: Table) -> IndexRaced:
    # LanceDB has no class of its own for a lost race.
    if "conflict" not in str(error):
        raise error
    raced = IndexRaced(
        "other processes changed the table in every attempt to index it.",
        where=table.name,
        remedy="Try again when they are done.",
    )
    raced.__cause__ = error
    return raced
