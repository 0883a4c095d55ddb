"""Questions whose answers are known: a person's own, or, where there are none, drawn from the corpus itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from kernel.identity import canonical_json, fingerprint
from lake.store import Lake
from quality.evaluation_set import read_evaluation_set
from quality.retrieval.known_items import known_items

DRAWN = "drawn from the corpus"


@dataclass(frozen=True, slots=True)
class Question:
    """A query, the videos that answer it, and its kind: `seen`, `said`, what its author calls it, or empty."""

    text: str
    wanted: tuple[str, ...]
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Questions:
    """Some questions.

    Attributes:
        asked: Each text once.
        source: The file, or `DRAWN`.
        unknown: Paths in the file that name no video of the lake.
    """

    asked: tuple[Question, ...]
    source: str
    unknown: int = 0

    def fingerprint(self) -> str:
        """Of what is asked and what is wanted."""
        return fingerprint([canonical_json(asdict(one)) for one in self.asked])


def questions_of(lake: Lake, evaluation: Path | None) -> Questions:
    """Those of the evaluation file, or known items of the corpus where there is no file.

    Raises:
        BadEvaluationSet: The file cannot be used.
    """
    if evaluation is None:
        return Questions(tuple(Question(*one) for one in known_items(lake)), DRAWN)
    known = read_evaluation_set(evaluation, lake)
    wanted: dict[str, list[str]] = {}
    kinds: dict[str, str] = {}
    for query in known.queries:
        wanted.setdefault(query.text, []).append(query.video_id)
        kinds.setdefault(query.text, query.kind)
    asked = tuple(Question(text, tuple(dict.fromkeys(ids)), kinds[text]) for text, ids in wanted.items())
    return Questions(asked, str(evaluation), len(known.unknown))
