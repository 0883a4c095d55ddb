"""Transcripts: words in order, in a language, at the pace of speech, and no signs that a recogniser made them up."""

from __future__ import annotations

import zlib

import pyarrow as pa

from lake.sql import SqlSession
from quality.expectations.facts import Facts
from quality.expectations.requirement import Requirement
from quality.expectations.suites.references import KNOWN_VIDEO, ONE_ROW, copies

OVERSHOOT_MS = 2000
"""A recogniser's last word may end a little after the sound does."""
MAX_WORDS_PER_S = 6.0
MAX_COMPRESSION = 2.4
"""Whisper's own limit for text that repeats itself (Radford et al. 2022, section 4.5)."""
MIN_CONFIDENCE = 0.3
MIN_WORDS = 20
"""Words that a judgement about a text needs."""
_AGAIN = "Delete the video's row in `transcripts` and run `reelindex ingest`: it is transcribed again."
_LISTEN = "Listen to it: music and noise make a recogniser invent. A stronger `models.transcriber` invents less."

REQUIREMENTS = (
    ONE_ROW,
    KNOWN_VIDEO,
    Requirement("order", "Words follow one another, and none ends before it begins.", "out_of_order", 0, 0, _AGAIN),
    Requirement(
        "within",
        "No word lies more than two seconds outside its video.",
        "words_outside",
        0,
        0,
        _LISTEN,
        severity="warn",
    ),
    Requirement(
        "language",
        "The language is named by the two or three letters of ISO 639.",
        "unnamed_language",
        0,
        0,
        "Full-text search stems by language: set it in `models.transcriber`.",
        severity="warn",
    ),
    Requirement(
        "pace",
        "Nobody speaks more than six words a second for a whole video.",
        "words_per_s",
        None,
        MAX_WORDS_PER_S,
        _LISTEN,
        severity="warn",
    ),
    Requirement(
        "repetition",
        "The text does not compress to less than 1/2.4 of its length, as one does that repeats itself.",
        "compression",
        None,
        MAX_COMPRESSION,
        _LISTEN,
        severity="warn",
    ),
    Requirement(
        "confidence",
        "The recogniser was sure of its words: their mean probability.",
        "confidence",
        MIN_CONFIDENCE,
        None,
        _LISTEN,
        severity="warn",
    ),
)

_FACTS = f"""
WITH
word AS (
    SELECT video_id, unnest(words, recursive := true), generate_subscripts(words, 1) AS place FROM transcripts
),
ordered AS (
    SELECT *, lag(start_ms) OVER (PARTITION BY video_id ORDER BY place) AS before_ms FROM word
),
spoken AS (
    SELECT
        video_id,
        count(*) AS words,
        count(*) FILTER (end_ms < start_ms OR start_ms < before_ms) AS out_of_order,
        max(end_ms) AS last_ms,
        min(start_ms) AS first_ms,
        sum(end_ms - start_ms) AS speech_ms,
        avg(probability) AS confidence,
        string_agg(text, ' ' ORDER BY place) AS text,
        list(end_ms) AS ends_ms
    FROM ordered GROUP BY video_id
)
SELECT
    t.video_id AS id,
    {copies("t.video_id")} AS copies,
    (t.video_id NOT IN (SELECT video_id FROM videos))::INT AS without_video,
    coalesce(s.out_of_order, 0) AS out_of_order,
    coalesce(len(list_filter(s.ends_ms, lambda e: e > d.duration_ms + {OVERSHOOT_MS} OR e < 0)), 0) AS words_outside,
    (NOT regexp_full_match(t.language, '[a-z]{{2,3}}'))::INT AS unnamed_language,
    CASE WHEN coalesce(s.words, 0) < {MIN_WORDS} THEN 0
         ELSE s.words / (greatest(s.last_ms - s.first_ms, 1) / 1000) END AS words_per_s,
    CASE WHEN coalesce(s.words, 0) < {MIN_WORDS} THEN 1 ELSE s.confidence END AS confidence,
    CASE WHEN coalesce(s.words, 0) < {MIN_WORDS} THEN '' ELSE s.text END AS text
FROM (SELECT video_id, language FROM transcripts) t
LEFT JOIN spoken s USING (video_id) LEFT JOIN decodes d USING (video_id)
"""


def facts(sql: SqlSession) -> Facts:
    """One row a video that was transcribed."""
    answer = sql.table(_FACTS)
    compression = pa.array([_compression(text.as_py()) for text in answer["text"]], pa.float64())
    return Facts.of("transcripts", answer.drop_columns(["text"]).append_column("compression", compression))


def _compression(text: str) -> float:
    written = text.encode()
    return len(written) / len(zlib.compress(written)) if written else 1.0
