"""A look at what an asset made, for the page of its materialisation.

A look costs the same on a small corpus and on a large one: it reads the rows that were written last, never all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import dagster as dg
import pyarrow as pa

from assets.contact_sheet import as_markdown, contact_sheet
from lake.files import first_uris
from lake.schema import CAPTIONS, DOCUMENTS, KEYFRAMES, SEGMENTS, TRANSCRIPTS, VIDEOS
from lake.store import Lake

Preview = dict[str, dg.MetadataValue[Any]]

ROWS_SHOWN = 10
ROWS_COUNTED = 10_000
"""Rows behind a distribution: enough for its shape."""
TRANSCRIPTS_READ = 30
WORDS_SHOWN = 25
PICTURES_SHOWN = 8
LENGTHS_S = (0.0, 1.0, 2.0, 4.0, 7.0, 10.0, float("inf"))


def latest_videos(lake: Lake) -> Preview:
    """The videos that came last."""
    columns = ["video_id", "video_codec", "width", "height", "promised_ms", "has_audio"]
    rows = _latest(lake, VIDEOS.name, columns, ROWS_SHOWN).to_pylist()[::-1]
    names = _file_names(lake, [row["video_id"] for row in rows])
    return _table(
        "latest_videos",
        [
            {
                "video": names.get(row["video_id"], row["video_id"]),
                "seconds": round((row["promised_ms"] or 0) / 1000, 1),
                "picture": f"{row['width']}x{row['height']} {row['video_codec']}",
                "sound": "yes" if row["has_audio"] else "no",
            }
            for row in rows
        ],
    )


def segment_lengths(lake: Lake) -> Preview:
    """How long the latest segments are."""
    times = _latest(lake, SEGMENTS.name, ["start_ms", "end_ms"], ROWS_COUNTED).to_pylist()
    if not times:
        return {}
    lengths_s = [(row["end_ms"] - row["start_ms"]) / 1000 for row in times]
    records: list[dict[str, Any]] = []
    for low, high in pairwise(LENGTHS_S):
        name = f"{low:g} s and more" if high == float("inf") else f"{low:g} to {high:g} s"
        count = sum(low <= length < high for length in lengths_s)
        records.append({"length": name, "segments": count, "share": _percent(count, len(lengths_s))})
    return _table("segment_lengths", records)


def pictures(lake: Lake) -> Preview:
    """Keyframes from among the latest, as one small picture."""
    snapshot = lake.snapshot(KEYFRAMES.name)
    count = snapshot.count_rows()
    step = max(1, min(count, ROWS_COUNTED) // PICTURES_SHOWN)
    chosen = list(range(count - 1, -1, -step))[:PICTURES_SHOWN]
    if not chosen:
        return {}
    jpegs = snapshot.take(sorted(chosen), columns=["jpeg"])["jpeg"].to_pylist()
    return {"pictures": dg.MetadataValue.md(as_markdown(contact_sheet(jpegs), f"{len(jpegs)} keyframes"))}


def spoken_samples(lake: Lake) -> Preview:
    """The first words of some videos in which something is said."""
    rows = _latest(lake, TRANSCRIPTS.name, ["video_id", "language", "words"], TRANSCRIPTS_READ).to_pylist()
    spoken = [row for row in rows[::-1] if row["words"]][:ROWS_SHOWN]
    names = _file_names(lake, [row["video_id"] for row in spoken])
    return _table(
        "spoken_samples",
        [
            {
                "video": names.get(row["video_id"], row["video_id"]),
                "language": row["language"],
                "words": len(row["words"]),
                "begins": " ".join(word["text"].strip() for word in row["words"][:WORDS_SHOWN]),
            }
            for row in spoken
        ],
    )


def label_counts(lake: Lake) -> Preview:
    """The labels that most of the latest segments carry."""
    texts = _latest(lake, CAPTIONS.name, ["text"], ROWS_COUNTED)["text"].to_pylist()
    labels = Counter(label for text in texts if text for label in text.split(", "))
    records = [
        {"label": label, "segments": count, "share": _percent(count, len(texts))}
        for label, count in labels.most_common(ROWS_SHOWN)
    ]
    unsure = sum(not text for text in texts)
    share = {"share_without_a_label": dg.MetadataValue.float(round(unsure / len(texts), 3))} if texts else {}
    return {**share, **_table("most_frequent_labels", records)}


def latest_documents(lake: Lake) -> Preview:
    """The words of some segments."""
    columns = ["video_id", "start_ms", "caption", "transcript"]
    rows = [row for row in _latest(lake, DOCUMENTS.name, columns, 5 * ROWS_SHOWN).to_pylist()[::-1] if _has_words(row)]
    names = _file_names(lake, [row["video_id"] for row in rows[:ROWS_SHOWN]])
    return _table(
        "latest_documents",
        [
            {
                "video": names.get(row["video_id"], row["video_id"]),
                "at_s": round(row["start_ms"] / 1000, 1),
                "seen": row["caption"],
                "said": " ".join(row["transcript"].split()[:WORDS_SHOWN]),
            }
            for row in rows[:ROWS_SHOWN]
        ],
    )


def present_indexes(lake: Lake) -> Preview:
    """Every index there is, with how many rows it has still to take in."""
    names = [DOCUMENTS.name, *lake.vectors_tables()]
    return _table(
        "indexes",
        [
            {
                "table": name,
                "column": ", ".join(index.columns),
                "kind": str(index.index_type),
                "rows_not_in_it": index.num_unindexed_rows or 0,
            }
            for name in names
            for index in lake.table(name).list_indices()
        ],
    )


def _latest(lake: Lake, table: str, columns: Sequence[str], rows: int) -> pa.Table:
    # New rows are written behind those that are there.
    snapshot = lake.snapshot(table)
    first = max(0, snapshot.count_rows() - rows)
    return snapshot.to_table(columns=list(columns), offset=first, limit=rows)


def file_name(uri: str) -> str:
    """The last part of a place: the tables of the web UI are too narrow for the rest."""
    return uri.rpartition("/")[2]


def _file_names(lake: Lake, video_ids: Sequence[str]) -> dict[str, str]:
    return {video_id: file_name(uri) for video_id, uri in first_uris(lake, video_ids).items()}


def _has_words(document: dict[str, Any]) -> bool:
    return bool(document["caption"] or document["transcript"])


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %"


def _table(name: str, records: Sequence[dict[str, Any]]) -> Preview:
    # A table without rows has no columns, which Dagster refuses.
    return {name: dg.MetadataValue.table([dg.TableRecord(record) for record in records])} if records else {}
