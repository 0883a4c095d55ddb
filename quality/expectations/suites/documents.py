"""Documents: the words that are searched, with the times of their segments."""

from __future__ import annotations

import pyarrow as pa

from kernel.identity import fingerprint
from lake.sql import SqlSession
from quality.expectations.facts import Facts
from quality.expectations.requirement import Requirement
from quality.expectations.suites.references import KNOWN_SEGMENT, ONE_ROW, copies, lost
from stages.documents import document_text

MAX_WORDLESS_SHARE = 0.9
MIN_DOCUMENTS = 20
"""Documents that a judgement about all of them needs."""
_AGAIN = "Delete the row in `documents` and run `reelindex ingest`: it is written again, from what is there."

REQUIREMENTS = (
    ONE_ROW,
    KNOWN_SEGMENT,
    Requirement("times", "A document has its segment's times.", "wrong_times", 0, 0, _AGAIN),
    Requirement(
        "fingerprint",
        "The fingerprint is of the words that are there: vectors are made again when it changes.",
        "wrong_fingerprint",
        0,
        0,
        _AGAIN,
    ),
    Requirement(
        "wordless",
        "One segment of ten, or more, has words: only those can be found by full text.",
        "wordless_share",
        None,
        MAX_WORDLESS_SHARE,
        "Search goes by pictures alone for the others. Captions or a reader of words on the screen would add some.",
        severity="warn",
        of="table",
    ),
)

_FACTS = f"""
SELECT
    d.segment_id AS id,
    {copies("d.segment_id")} AS copies,
    {lost("d", "documents")} AS lost,
    coalesce((d.start_ms <> s.start_ms OR d.end_ms <> s.end_ms)::INT, 0) AS wrong_times,
    d.caption, d.transcript, d.screen, d.output_fp
FROM documents d LEFT JOIN (SELECT DISTINCT ON (segment_id) * FROM segments) s USING (segment_id)
"""
_TEXTS = ("caption", "transcript", "screen")


def facts(sql: SqlSession) -> Facts:
    """One row a document; of all: the share of those without a word."""
    answer = sql.table(_FACTS)
    texts = [document_text(*parts) for parts in zip(*(answer[name].to_pylist() for name in _TEXTS), strict=True)]
    fingerprints = answer["output_fp"].to_pylist()
    wrong = [int(fingerprint([text]) != one) for text, one in zip(texts, fingerprints, strict=True)]
    numbers = answer.drop_columns([*_TEXTS, "output_fp"]).append_column("wrong_fingerprint", pa.array(wrong, pa.int8()))
    wordless = sum(not text for text in texts)
    enough = len(texts) >= MIN_DOCUMENTS
    return Facts.of("documents", numbers, {"wordless_share": wordless / len(texts) if enough else None})
