"""Pairs from what the lake says of its own segments: captions, and what is spoken while they are shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from kernel.progress import Progress
from lake.schema import DOCUMENTS, TRANSCRIPTS
from lake.store import Lake
from training.errors import BadPairs
from training.gathering import Item, Sentence, gather
from training.pairs import TrainingSet

LANGUAGE = "en"
"""The language of the sentence models that the towers have."""
MIN_SPOKEN_WORDS = 3
MAX_SPOKEN_WORDS = 40
_OWN_LABELS = "imagenet_labels"
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def pairs_from_lake(lake: Lake, tower: str, out: Path, *, cache_dir: Path | None, progress: Progress) -> TrainingSet:
    """The training set of a lake: a segment is an item, its caption and the words spoken in it are its sentences.

    Args:
        lake: Ingested.
        tower: The reference of the frozen model that sees the keyframes.
        out: A folder that the arrays are written to.
        cache_dir: Where the sentences' vectors are kept.
        progress: Shows how many segments have been seen.

    Raises:
        BadPairs: There is nothing to learn from: no words; words in a language that the tower does not know; or only
            the names of the classes that the tower itself sees.
        UnknownModel, WeightsMissing: There is no such tower here.
    """
    columns = ["segment_id", "video_id", "caption", "transcript", "caption_version"]
    documents = lake.read(DOCUMENTS.name, columns).to_pylist()
    languages = _languages(lake)
    items = [_item(row, languages) for row in documents]
    items = [item for item in items if item.sentences]
    _demand_something_new(lake, tower, documents, items, languages)
    return gather(lake, items, tower, out, cache_dir=cache_dir, progress=progress)


def spoken_sentences(transcript: str) -> list[str]:
    """What is spoken in a segment as sentences of a length that a sentence model reads whole.

    Too few words say nothing of a picture; a long speech is cut at its sentences' ends, and where there are none, by
    words.
    """
    pieces = [transcript] if len(transcript.split()) <= MAX_SPOKEN_WORDS else _SENTENCE_END.split(transcript)
    cut = [piece for whole in pieces for piece in _by_words(whole.split())]
    return [piece for piece in cut if len(piece.split()) >= MIN_SPOKEN_WORDS]


def _by_words(words: Sequence[str]) -> Iterator[str]:
    for start in range(0, len(words), MAX_SPOKEN_WORDS):
        yield " ".join(words[start : start + MAX_SPOKEN_WORDS])


def _languages(lake: Lake) -> dict[str, str]:
    rows = lake.read(TRANSCRIPTS.name, ["video_id", "language"]).to_pylist()
    return {row["video_id"]: row["language"] for row in rows}


def _item(row: dict[str, Any], languages: dict[str, str]) -> Item:
    # Names of classes describe no picture, and a tower that sees the same classes has nothing to learn from them.
    captions = [] if row["caption_version"].startswith(_OWN_LABELS) else [row["caption"]]
    spoken = spoken_sentences(row["transcript"]) if languages.get(row["video_id"]) == LANGUAGE else []
    said = [Sentence(text.strip(), "caption") for text in captions if text.strip()]
    said += [Sentence(text, "transcript") for text in spoken]
    return Item(row["segment_id"], row["video_id"], (row["segment_id"],), tuple(said))


def _demand_something_new(
    lake: Lake, tower: str, documents: list[dict[str, Any]], items: list[Item], languages: dict[str, str]
) -> None:
    remedy = "Name a CSV file of pairs (`training.pairs`), or a captioner that describes pictures."
    if not documents:
        raise BadPairs("there are no words in the lake.", where=str(lake.folder), remedy="Ingest videos first.")
    if items:
        return
    spoken = [row for row in documents if row["transcript"].strip()]
    foreign = sorted({languages.get(row["video_id"], "?") for row in spoken} - {LANGUAGE})
    if foreign and not any(languages.get(row["video_id"]) == LANGUAGE for row in spoken):
        raise BadPairs(
            f"what is spoken is in another language ({', '.join(foreign)}), and the sentence model of {tower} knows "
            "English only.",
            where=str(lake.folder),
            remedy=f"{remedy} Write its pairs in English, or choose a tower that knows the language.",
        )
    raise BadPairs(
        "there is nothing to learn from: nothing is spoken, and the captions are the names of the classes that the "
        "tower itself sees.",
        where=str(lake.folder),
        remedy=remedy,
    )
