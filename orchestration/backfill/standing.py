"""Where a lake stands against the settings: what is missing, which candidates are ready, what a verdict depends on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from assets.resources import LakeResource
from kernel.identity import fingerprint
from kernel.progress import Silent
from lake.releases import Release, Releases
from lake.schema import CAPTIONS, DECODES, DOCUMENTS, FAILURES, RELEASES, SEGMENTS, SPACES, TRANSCRIPTS, VIDEOS
from settings import Home, Settings
from stages.backlog import Backlog, covered_candidates

if TYPE_CHECKING:
    from pathlib import Path

    from encoders.family import Role
    from lake.store import Lake
    from stages.models import Models

_WATCHED = (VIDEOS, DECODES, SEGMENTS, TRANSCRIPTS, CAPTIONS, DOCUMENTS, FAILURES, RELEASES)
"""The tables whose every commit may leave something to do."""

Candidate = tuple[str, str]
"""A space and the configured version that is not live in it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the coverage sensor decides by.

    Attributes:
        backlog: What is missing.
        covered: Candidates that have every vector the live version has, and that nobody has rolled back.
        unwanted: Candidates that somebody has rolled back.
        state: All that a verdict about `covered` depends on.
        first_release_missing: Whether nothing can be searched yet.
    """

    backlog: Backlog
    covered: Sequence[Candidate] = ()
    unwanted: Sequence[Candidate] = ()
    state: str = ""
    first_release_missing: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing and nothing waits for a verdict."""
        return self.backlog.is_empty and not self.covered


def read_standing(lake: LakeResource, settings: Settings) -> Standing:
    """Plans every stage and looks at the candidates. Loads no model."""
    from orchestration.resources import build_resources
    from stages.overview import plan_all

    tables = lake.open()
    live = Releases(tables).find_live()
    if live is None:
        return Standing(Backlog({}), first_release_missing=True)
    # Not the resources of this process: they hold the settings that it started with.
    resources = build_resources(settings, Home(lake.folders.folder))
    models = resources["models"].open(resources["lake"])
    plans = plan_all(resources["lake"].scope(None, Silent()), models, resources["media"].segmenter())
    rolled_back = Releases(tables).rolled_back()
    candidates = covered_candidates(plans, models, SPACES)
    covered = [one for one in candidates if one[1] not in rolled_back]
    return Standing(
        backlog=Backlog.of(plans),
        covered=covered,
        unwanted=[one for one in candidates if one[1] in rolled_back],
        state=_state_of_verdict(tables, settings, models, live, covered),
    )


def state_of_lake(lake: LakeResource, settings: Settings) -> str:
    """What the sensor looks at, as one short text: while it stays the same, so does what is missing.

    Costs a look at the newest version of a few tables, whatever their size.
    """
    from encoders.registry import resolve

    tables = lake.open()
    versions = {spec.name: tables.table(spec.name).version for spec in _WATCHED}
    versions |= {name: tables.table(name).version for name in tables.vectors_tables()}
    # A reference may come to mean another model without a change of the settings: a checkpoint that was replaced.
    models = [resolve(cast("Role", role), name).version for role, name in settings.models.references().items()]
    return fingerprint([json.dumps(versions, sort_keys=True), settings.model_dump_json(), *models])


def _state_of_verdict(
    lake: Lake, settings: Settings, models: Models, live: Release, covered: Sequence[Candidate]
) -> str:
    from stages.vectors import table_of

    parts = [str(live.release_id), settings.promotion.model_dump_json(), _digest_of(settings.promotion.evaluation)]
    for space, version in covered:
        spec = models.wanted(space)[0]  # type: ignore[arg-type]
        rows = lake.count(table_of(spec, space).name)  # type: ignore[arg-type]
        aside = lake.count(FAILURES.name, f"version = '{version}' AND quarantined")
        parts += [space, version, str(rows), str(aside)]
    return fingerprint(parts)[:16]


def _digest_of(evaluation: Path | None) -> str:
    from kernel.identity import file_digest

    return file_digest(evaluation) if evaluation is not None and evaluation.is_file() else "none"
