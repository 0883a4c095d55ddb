"""Known-item search: a few words that are said in a video, or its caption, should find it again.

They show that search works and when it breaks; they flatter it, since the words are those of the corpus. Queries that a
person wrote say what people would find.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from kernel.identity import fingerprint
from lake.schema import DOCUMENTS
from lake.store import Lake, in_list

VIDEOS = 200
WORDS_SAID = 8
MOST_ANSWERS = 3
"""What more videos say in the same words names none of them."""
_COLUMNS = ("video_id", "caption", "transcript")


def known_items(lake: Lake) -> list[tuple[str, tuple[str, ...], str]]:
    """Texts, the videos that they should find, and their kind, `seen` or `said`; the same for the same corpus.

    Of at most 200 videos, those whose ids have the lowest digests, one text of each kind.
    """
    everyone = set(lake.read(DOCUMENTS.name, ["video_id"])["video_id"].to_pylist())
    chosen = sorted(everyone, key=lambda video_id: fingerprint([video_id]))[:VIDEOS]
    rows = lake.read(DOCUMENTS.name, ["segment_id", *_COLUMNS], in_list("video_id", chosen)).to_pylist()
    by_video: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: fingerprint([row["segment_id"]])):
        by_video[row["video_id"]].append(row)
    answers: dict[tuple[str, str], set[str]] = defaultdict(set)
    for video_id in chosen:
        segments = by_video[video_id]
        said = next((text for text in map(_said, segments) if text), "")
        seen = next((row["caption"] for row in segments if row["caption"].strip()), "")
        for kind, text in (("said", said), ("seen", seen)):
            if text:
                answers[kind, text].add(video_id)
    _add_others(answers, rows)
    return [
        (text, tuple(sorted(videos)), kind) for (kind, text), videos in answers.items() if len(videos) <= MOST_ANSWERS
    ]


def _said(row: dict[str, str]) -> str:
    """Some words from the middle of what is said in a segment; empty where that is too little."""
    words = row["transcript"].split()
    if len(words) < WORDS_SAID:
        return ""
    start = (len(words) - WORDS_SAID) // 2
    return " ".join(words[start : start + WORDS_SAID])


def _add_others(answers: dict[tuple[str, str], set[str]], rows: Sequence[dict[str, str]]) -> None:
    """Other videos with the same caption answer as well."""
    by_caption: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        by_caption[row["caption"]].add(row["video_id"])
    for (kind, text), videos in answers.items():
        if kind == "seen":
            videos |= by_caption[text]
