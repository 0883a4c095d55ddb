"""Every table of a lake before its suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from types import ModuleType

from lake.schema import SPACES, Space
from lake.sql import SqlSession
from quality.expectations.engine import Examination
from quality.expectations.facts import Facts
from quality.expectations.requirement import Outcome, Requirement
from quality.expectations.suites import (
    captions,
    documents,
    screen_texts,
    segments,
    transcripts,
    vectors,
    version,
    videos,
)
from stages.models import Models
from stages.scope import Scope
from stages.vectors import table_of

_TABLES: Mapping[str, ModuleType] = {
    "videos": videos,
    "segments": segments,
    "transcripts": transcripts,
    "captions": captions,
    "screen_texts": screen_texts,
    "documents": documents,
}
_SPACES: Mapping[str, Space] = {f"{space}_vectors": space for space in SPACES}
_ANY_WIDTH = 0

REQUIREMENTS: Mapping[str, tuple[Requirement, ...]] = {
    **{name: module.REQUIREMENTS for name, module in _TABLES.items()},
    **{name: (*vectors.alone(_ANY_WIDTH), *vectors.REFERENCES, *version.REQUIREMENTS) for name in _SPACES},
}
"""What is asked, by asset. The width that vectors must have is their version's."""


@dataclass(frozen=True)
class Grounds:
    """What an examination looks at: all of a lake, as it was when it was first asked."""

    scope: Scope
    models: Models

    @cached_property
    def sql(self) -> SqlSession:
        """SQL over it."""
        return SqlSession(self.scope.lake)


def examine(grounds: Grounds, asset: str, examination: Examination) -> list[Outcome]:
    """Asks everything about one asset; of vectors, about each version that a run would fill or search reads.

    What cannot be computed is an outcome with an `error`, and takes nothing else with it.
    """
    if asset in _TABLES:
        module = _TABLES[asset]
        return _ask(examination, asset, module.REQUIREMENTS, partial(module.facts, grounds.sql))
    return _examine_vectors(grounds, _SPACES[asset], examination)


def _examine_vectors(grounds: Grounds, space: Space, examination: Examination) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for spec in grounds.models.wanted(space):
        table = table_of(spec, space)
        if not grounds.scope.lake.has_table(table.name):
            continue
        suites: tuple[tuple[tuple[Requirement, ...], Callable[[], Facts]], ...] = (
            (vectors.alone(int(spec.dim)), partial(vectors.facts, grounds.scope.lake, table.name)),  # type: ignore[attr-defined]
            (vectors.REFERENCES, partial(vectors.references, grounds.sql, table.name, space, spec.version)),
            (version.REQUIREMENTS, partial(version.facts, grounds.scope, grounds.models, space, spec)),
        )
        for requirements, gather in suites:
            outcomes += _ask(examination, table.name, requirements, gather)
    return outcomes


def _ask(
    examination: Examination, subject: str, requirements: Sequence[Requirement], gather: Callable[[], Facts]
) -> list[Outcome]:
    try:
        facts = gather()
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        return [Outcome(one, subject, False, 0, 0, None, error=reason) for one in requirements]
    return examination.ask(requirements, facts)
