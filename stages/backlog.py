"""What is missing in a lake, as a backfill sees it: how much, in which stages, and whether it is the same as before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kernel.identity import fingerprint
from lake.planning import Plan
from stages.overview import Plans

if TYPE_CHECKING:
    from stages.models import Models

FOLLOWED_BY: Mapping[str, tuple[str, ...]] = {
    "segments": ("captions", "screen_texts", "documents", "visual_vectors", "text_vectors"),
    "transcripts": ("documents", "text_vectors"),
    "captions": ("documents", "text_vectors"),
    "screen_texts": ("documents", "text_vectors"),
    "documents": ("text_vectors",),
    "visual_vectors": (),
    "text_vectors": (),
}
"""The stages of a backfill in their order, each with those that read what it writes. Files are an ingest's business."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """The subjects that each stage and version lacks, or has too many, quarantine apart."""

    missing: Mapping[tuple[str, str], tuple[str, ...]]

    @classmethod
    def of(cls, plans: Plans) -> Backlog:
        """What some plans leave to do."""
        subjects = {key: (*plan.todo, *plan.orphaned) for key, plan in plans.items() if key[0] in FOLLOWED_BY}
        return cls({key: names for key, names in subjects.items() if names})

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to do."""
        return not self.missing

    @property
    def count(self) -> int:
        """How many values are missing or too many, over all stages and versions."""
        return sum(len(names) for names in self.missing.values())

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages to run, in their order: those with work, and those that read what they write."""
        having = {stage for stage, _ in self.missing}
        touched = having | {after for stage in having for after in FOLLOWED_BY[stage]}
        return tuple(stage for stage in FOLLOWED_BY if stage in touched)

    @property
    def fingerprint(self) -> str:
        """The same for the same work: a run that has got nowhere leaves it as it was."""
        return fingerprint(part for key in sorted(self.missing) for part in (*key, *sorted(self.missing[key])))

    def partitions(self, digits: int) -> list[str]:
        """The partitions, of so many hex digits, that have something to do."""
        return sorted({name[:digits] for names in self.missing.values() for name in names})

    def in_words(self) -> str:
        """What is missing, for a log."""
        return ", ".join(f"{len(names):,} in {stage} ({version})" for (stage, version), names in self.missing.items())


def covered_candidates(plans: Plans, models: Models, spaces: Iterable[str]) -> list[tuple[str, str]]:
    """The spaces whose configured version is not live and has every vector that the live version has, with the version.

    What the live version lacks too has just come, and the ingest that brought it embeds it in both.
    """
    from stages.vectors import stage_name

    found = []
    for space in spaces:
        specs = models.wanted(space)  # type: ignore[arg-type]
        if len(specs) < 2:
            continue
        candidate, live = (plans[stage_name(space), spec.version] for spec in specs)  # type: ignore[arg-type]
        if not lacks(candidate, live):
            found.append((space, specs[0].version))
    return found


def lacks(candidate: Plan, live: Plan) -> set[str]:
    """What a candidate has still to make before it answers from all that the live version answers from.

    Something new that neither has may wait, and so may something that has changed and that both hold as it was. What
    the live version holds in any form may not: not as it was before a new caption, nor, of a video that was cut again,
    as its former segments.
    """
    former = {_video_of(subject) for subject in set(live.orphaned) - set(candidate.orphaned)}
    new_to_both, changed = set(live.new), set(live.todo)
    missing = {subject for subject in candidate.new if subject not in new_to_both or _video_of(subject) in former}
    return missing | {subject for subject in candidate.stale if subject not in changed}


def _video_of(subject: str) -> str:
    return subject.partition("-")[0]
