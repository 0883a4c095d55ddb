"""Previews: what is shown of a lake, and that a large one costs no more than a small one."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from PIL import Image

from assets.contact_sheet import CELL_HEIGHT, CELL_WIDTH, COLUMNS, GAP, contact_sheet
from assets.partitions import BUCKETS, rows_by_partition
from assets.previews import (
    ROWS_COUNTED,
    ROWS_SHOWN,
    file_name,
    label_counts,
    latest_documents,
    latest_videos,
    pictures,
    segment_lengths,
    spoken_samples,
)
from lake.schema import CAPTIONS, DOCUMENTS, FILES, KEYFRAMES, SEGMENTS, TRANSCRIPTS, VIDEOS, TableSpec
from lake.store import Lake
from tests.lake.samples import SEEN_AT, file_row, keyframe_row, segment_row

WORDS = {"start_ms": 0, "end_ms": 100, "probability": 1.0}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def jpeg(width: int, height: int, colour: str) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(written, "JPEG")
    return written.getvalue()


def row_of(spec: TableSpec, **known: Any) -> dict[str, Any]:
    """A row with these values and something of the right type everywhere else."""
    blanks: dict[str, Any] = {"string": "", "int32": 0, "int64": 0, "bool": False, "double": 0.0}
    return {field.name: known.get(field.name, blanks.get(str(field.type), [])) for field in spec.schema}


def records(preview: dict[str, dg.MetadataValue[Any]], name: str) -> list[dict[str, Any]]:
    table = preview[name]
    assert isinstance(table, dg.TableMetadataValue)
    return [dict(record.data) for record in table.records]


@pytest.mark.parametrize(
    "preview", [latest_videos, segment_lengths, pictures, spoken_samples, label_counts, latest_documents]
)
def test_an_empty_lake_has_nothing_to_show(lake: Lake, preview: Any) -> None:
    assert preview(lake) == {}


def test_the_videos_that_came_last_are_shown_newest_first(lake: Lake) -> None:
    for number in range(ROWS_SHOWN + 2):
        video_id = f"{number:02x}"
        row = row_of(VIDEOS, video_id=video_id, video_codec="h264", width=16, height=9, first_seen_at=SEEN_AT)
        lake.upsert(VIDEOS, [{**row, "promised_ms": 1500}])
        lake.upsert(FILES, [file_row(f"/films/{number}.mp4", video_id)])
    shown = records(latest_videos(lake), "latest_videos")
    assert [row["video"] for row in shown] == [f"{number}.mp4" for number in range(ROWS_SHOWN + 1, 1, -1)]
    assert shown[0] == {"video": "11.mp4", "seconds": 1.5, "picture": "16x9 h264", "sound": "no"}


def test_segment_lengths_count_every_segment_once(lake: Lake) -> None:
    rows = [segment_row("aa", 0), segment_row("aa", 1), segment_row("bb", 0) | {"end_ms": 60_000}]
    lake.upsert(SEGMENTS, rows)
    counted = {row["length"]: row["segments"] for row in records(segment_lengths(lake), "segment_lengths")}
    assert counted.pop("1 to 2 s") == 2
    assert counted.pop("10 s and more") == 1
    assert set(counted.values()) == {0}


def test_a_preview_reads_no_more_rows_than_it_says(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assets.previews.ROWS_COUNTED", 4)
    lake.upsert(SEGMENTS, [segment_row("aa", number) for number in range(6)])
    lake.upsert(SEGMENTS, [segment_row("bb", number) | {"end_ms": number * 1000 + 3000} for number in range(4)])
    shown = records(segment_lengths(lake), "segment_lengths")
    assert {row["length"]: row["segments"] for row in shown if row["segments"]} == {"2 to 4 s": 4}
    assert ROWS_COUNTED <= 10_000


def test_labels_are_counted_and_segments_without_one_are_a_share(lake: Lake) -> None:
    texts = ["cat, sofa", "cat", "", ""]
    lake.upsert(CAPTIONS, [row_of(CAPTIONS, segment_id=str(number), text=text) for number, text in enumerate(texts)])
    shown = label_counts(lake)
    assert records(shown, "most_frequent_labels")[0] == {"label": "cat", "segments": 2, "share": "50 %"}
    assert shown["share_without_a_label"].value == 0.5


def test_only_what_has_words_is_quoted(lake: Lake) -> None:
    spoken = [WORDS | {"text": " Good"}, WORDS | {"text": " day."}]
    lake.upsert(TRANSCRIPTS, [row_of(TRANSCRIPTS, video_id="aa", words=spoken), row_of(TRANSCRIPTS, video_id="bb")])
    documents = [
        row_of(DOCUMENTS, segment_id="1", video_id="aa", transcript="Good day."),
        row_of(DOCUMENTS, segment_id="2"),
    ]
    lake.upsert(DOCUMENTS, documents)
    assert [row["begins"] for row in records(spoken_samples(lake), "spoken_samples")] == ["Good day."]
    assert [row["said"] for row in records(latest_documents(lake), "latest_documents")] == ["Good day."]


def test_pictures_are_one_image_inside_the_markdown(lake: Lake) -> None:
    rows = [keyframe_row(f"aa-{number}-{number + 1}", 0) | {"jpeg": jpeg(64, 36, "red")} for number in range(20)]
    lake.upsert(KEYFRAMES, rows)
    shown = pictures(lake)["pictures"]
    assert isinstance(shown, dg.MarkdownMetadataValue)
    assert shown.md_str is not None
    assert shown.md_str.startswith("![8 keyframes](data:image/jpeg;base64,")
    assert len(shown.md_str) < 30_000, "it is stored once for every partition"


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (COLUMNS, COLUMNS, 1), (COLUMNS + 1, COLUMNS, 2)])
def test_a_contact_sheet_has_a_cell_for_every_picture(count: int, columns: int, rows: int) -> None:
    sheet = Image.open(io.BytesIO(contact_sheet([jpeg(300, 40, "blue")] * count)))
    assert sheet.size == (columns * (CELL_WIDTH + GAP) - GAP, rows * (CELL_HEIGHT + GAP) - GAP)
    red, _, blue = sheet.convert("RGB").getpixel((CELL_WIDTH // 2, CELL_HEIGHT // 2))
    assert blue > 200 > red
    assert sheet.convert("RGB").getpixel((CELL_WIDTH // 2, 2)) == (255, 255, 255), "a wide picture is not stretched"


def test_every_partition_has_its_own_count_and_an_empty_one_has_none(lake: Lake) -> None:
    lake.upsert(SEGMENTS, [segment_row("a1", 0), segment_row("a2", 0), segment_row("f0", 0)])
    counts = rows_by_partition(lake, SEGMENTS.name, BUCKETS.get_partition_keys())
    assert {key: count for key, count in counts.items() if count} == {"a": 2, "f": 1}
    assert list(counts) == list(BUCKETS.get_partition_keys())
    assert rows_by_partition(lake, SEGMENTS.name, ["b", "c"]) == {"b": 0, "c": 0}


@pytest.mark.parametrize(("uri", "name"), [("/films/a b.mp4", "a b.mp4"), ("a.mp4", "a.mp4"), ("", "")])
def test_a_file_name_is_the_last_part(uri: str, name: str) -> None:
    assert file_name(uri) == name
