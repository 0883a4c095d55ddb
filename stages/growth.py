"""How plans grow while the stages before them work: what a plan cannot know yet, bounded or guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from lake.planning import Plan
from lake.schema import SEGMENTS
from lake.store import Lake
from stages.backlog import FOLLOWED_BY
from stages.overview import Plans

OF_VIDEOS = ("videos", "segments", "transcripts")
"""The stages whose subjects are videos; those of all others are segments."""

CUTS = ("videos", "segments")
"""While one of these has work, how many segments there will be is a guess."""

FOLLOWERS: Mapping[str, tuple[str, ...]] = {"videos": tuple(FOLLOWED_BY), **FOLLOWED_BY}


@dataclass(frozen=True, slots=True)
class Growth:
    """Subjects that earlier stages may add to a plan: `count` of them at most, or about so many where `is_guess`."""

    count: int = 0
    earlier: tuple[str, ...] = ()
    is_guess: bool = False

    def in_words(self, stage: str) -> str:
        """One sentence for people; empty where nothing can come."""
        if not self.count:
            return ""
        how_many = "about" if self.is_guess else "at most"
        only = ", only where words change" if stage in ("documents", "text_vectors") and not self.is_guess else ""
        return f"{how_many} {self.count:,} more after {' and '.join(self.earlier)}{only}"


class Growths:
    """The growth of every stage of some plans."""

    def __init__(self, lake: Lake, plans: Plans) -> None:
        self._lake = lake
        self._todo: dict[str, set[str]] = {}
        for (stage, _), plan in plans.items():
            self._todo.setdefault(stage, set()).update(plan.todo)

    def of(self, stage: str, plan: Plan) -> Growth:
        """What may come to the plan of a stage at one version."""
        earlier = [name for name, todo in self._todo.items() if todo and stage in FOLLOWERS.get(name, ())]
        if stage in OF_VIDEOS:
            coming = set().union(*(self._todo[name] for name in earlier if name == "videos")).difference(plan.todo)
            return Growth(len(coming), ("videos",)) if coming else Growth()
        touched: set[str] = set().union(*(self._touched(name) for name in earlier if name not in CUTS))
        count = len(touched.difference(plan.todo))
        cuts = [name for name in earlier if name in CUTS]
        if cuts:
            videos = set().union(*(self._todo[name] for name in cuts))
            count = max(count, self._expected(videos) - len(plan.new))
        return Growth(count, tuple(earlier), bool(cuts)) if count > 0 else Growth()

    def _touched(self, earlier: str) -> set[str]:
        """The segments that the work of an earlier stage is about."""
        todo = self._todo[earlier]
        if earlier not in OF_VIDEOS:
            return todo
        chosen = pc.is_in(self._segments["video_id"], value_set=pa.array(sorted(todo), pa.string()))
        return set(self._segments.filter(chosen)["segment_id"].to_pylist())

    def _expected(self, videos: set[str]) -> int:
        """As many segments as these videos have now; those that were never cut have as many as the others have."""
        counted = self._segments.group_by("video_id").aggregate([("segment_id", "count")])
        names, numbers = counted["video_id"].to_pylist(), counted["segment_id_count"].to_pylist()
        counts: dict[str, int] = dict(zip(names, numbers, strict=True))
        mean = sum(counts.values()) / len(counts) if counts else 0.0
        return round(sum(counts.get(video_id, mean) for video_id in videos))

    @cached_property
    def _segments(self) -> pa.Table:
        return self._lake.read(SEGMENTS.name, ["segment_id", "video_id"])
