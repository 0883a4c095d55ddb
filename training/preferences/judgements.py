"""What people said of results, or clicked on: a plain file beside the log of searches, one JSON object a line."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from lake.store import Lake
from training.preferences.errors import BadJudgements

FILE_NAME = "judgements.jsonl"

Kind: TypeAlias = Literal["click", "judgement"]
Unit: TypeAlias = Literal["video", "segment"]
KINDS: tuple[Kind, ...] = get_args(Kind)
UNITS: tuple[Unit, ...] = get_args(Unit)


@dataclass(frozen=True, slots=True)
class Shown:
    """A result that somebody had before their eyes: its place from 1, and what it was. A video may name no segment."""

    rank: int
    video_id: str
    segment_id: str = ""

    def named(self, unit: Unit) -> str:
        """The name by which a judgement of this unit calls it."""
        return self.video_id if unit == "video" else self.segment_id


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one person made of the answer to one query.

    Attributes:
        query: What was asked.
        chosen: Ids of the results that were good, or clicked; of a click log it may be empty, since a list that nobody
            clicked on tells how often its results were seen.
        rejected: Ids of those that were not good. Where it is empty, as for most clicks, `passed_over` tells.
        shown: The results that were there to choose from, by rank; empty where only the verdict is known.
        kind: `judgement` for what was said, `click` for what was done: only the latter depends on the place.
        unit: What the ids name: whole videos, or segments.
        release_id: The release that answered; 0 where nobody knows.
        at: When.

    Raises:
        BadJudgements: It says nothing, contradicts itself, or speaks of what was not shown.
    """

    query: str
    chosen: tuple[str, ...]
    rejected: tuple[str, ...] = ()
    shown: tuple[Shown, ...] = ()
    kind: Kind = "judgement"
    unit: Unit = "video"
    release_id: int = 0
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        problem = _problem_of(self)
        if problem:
            raise BadJudgements(problem, where=f"the judgement of {self.query!r}")

    def rank_of(self, item: str) -> int | None:
        """The best place at which an item was shown; None where it was not, or nobody knows."""
        return min((one.rank for one in self.shown if one.named(self.unit) == item), default=None)

    @property
    def passed_over(self) -> tuple[str, ...]:
        """The results that were shown and not chosen, by rank."""
        names = dict.fromkeys(one.named(self.unit) for one in sorted(self.shown, key=lambda one: one.rank))
        return tuple(name for name in names if name not in self.chosen)

    def to_dict(self) -> dict[str, Any]:
        """Plain values: one line of the file."""
        return {
            "at": self.at.isoformat(timespec="milliseconds"),
            "kind": self.kind,
            "unit": self.unit,
            "query": self.query,
            "release": self.release_id,
            "chosen": list(self.chosen),
            "rejected": list(self.rejected),
            "shown": [{"rank": one.rank, "video": one.video_id, "segment": one.segment_id} for one in self.shown],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Judgement:
        """The judgement that `to_dict` wrote.

        Raises:
            BadJudgements: A value is missing or of another kind, or the judgement says nothing.
        """
        try:
            return cls(
                query=str(values["query"]),
                chosen=tuple(map(str, values["chosen"])),
                rejected=tuple(map(str, values["rejected"])),
                shown=tuple(Shown(int(one["rank"]), str(one["video"]), str(one["segment"])) for one in values["shown"]),
                kind=values["kind"],
                unit=values["unit"],
                release_id=int(values["release"]),
                at=datetime.fromisoformat(values["at"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BadJudgements(f"it is no judgement: {type(error).__name__}: {error}.") from error


def _problem_of(judgement: Judgement) -> str:
    """What makes it unusable, as a sentence; empty for nothing."""
    chosen, rejected = set(judgement.chosen), set(judgement.rejected)
    ranks = [one.rank for one in judgement.shown]
    not_shown = sorted((chosen | rejected) - {one.named(judgement.unit) for one in judgement.shown})
    problems = {
        "the query is empty.": not judgement.query.strip(),
        f"the kind is one of {', '.join(KINDS)}.": judgement.kind not in KINDS,
        f"the unit is one of {', '.join(UNITS)}.": judgement.unit not in UNITS,
        "an id is empty.": "" in chosen | rejected,
        "the same result is preferred and rejected.": bool(chosen & rejected),
        "a preference needs one result that is better and one that is worse.": judgement.kind == "judgement"
        and not (chosen and rejected),
        "a rank is below 1.": any(rank < 1 for rank in ranks),
        f"{', '.join(not_shown)} was not shown.": bool(not_shown and (judgement.shown or judgement.kind == "click")),
    }
    return next((problem for problem, there in problems.items() if there), "")


@dataclass(frozen=True, slots=True)
class LoggedJudgements:
    """The judgements of a lake, oldest first, and how many lines a crash had cut short."""

    judgements: tuple[Judgement, ...]
    cut_short: int


class JudgementLog:
    """The judgements of one lake."""

    def __init__(self, lake: Lake) -> None:
        self._path: Path = lake.folder / FILE_NAME

    def enter(self, judgements: Sequence[Judgement]) -> None:
        """Adds judgements, all of them or, where the disk is full, at most a part that is passed over later."""
        if not judgements:
            return
        # A line that was cut short ends where it is; one write to a file opened for appending mixes with no other.
        lines = ["" if self._ends_whole() else "\n"]
        lines += [json.dumps(one.to_dict(), ensure_ascii=False) + "\n" for one in judgements]
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, "".join(lines).encode(errors="replace"))
        finally:
            os.close(descriptor)

    def enter_new(self, judgements: Sequence[Judgement]) -> int:
        """Adds those that are not there yet, whenever they were made, and tells how many: a file read in twice is once.

        Raises:
            BadJudgements: A line of the log is no judgement.
        """
        there = Counter(_content(one) for one in self.read().judgements)
        fresh = []
        for one in judgements:
            if there[_content(one)]:
                there[_content(one)] -= 1
            else:
                fresh.append(one)
        self.enter(fresh)
        return len(fresh)

    def read(self) -> LoggedJudgements:
        """All judgements. A line that is not whole JSON was cut short by a crash and is counted.

        Raises:
            BadJudgements: A line is JSON, but no judgement.
        """
        if not self._path.is_file():
            return LoggedJudgements((), 0)
        found, cut_short = [], 0
        with self._path.open(encoding="utf-8", errors="replace") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                try:
                    values = json.loads(line)
                except ValueError:
                    cut_short += 1
                    continue
                found.append(self._parsed(values, number))
        return LoggedJudgements(tuple(found), cut_short)

    def _parsed(self, values: Any, number: int) -> Judgement:
        try:
            return Judgement.from_dict(values)
        except BadJudgements as error:
            raise BadJudgements(
                error.what, where=f"{self._path}, line {number}", remedy="Correct or delete the line."
            ) from error

    def _ends_whole(self) -> bool:
        try:
            with self._path.open("rb") as stream:
                stream.seek(-1, os.SEEK_END)
                return stream.read(1) == b"\n"
        except OSError:
            return True  # not there, or empty


def _content(judgement: Judgement) -> str:
    return json.dumps(judgement.to_dict() | {"at": ""}, sort_keys=True)
