"""A model's identity as data: the union of all specs, and the way back from stored JSON."""

from __future__ import annotations

import json
from typing import Annotated, Any, Union

from pydantic import Field, TypeAdapter, ValidationError

from encoders.errors import UnknownModel
from encoders.family import ModelSpec, Role
from encoders.registry import FAMILIES

__all__ = ["ModelSpec", "Role", "parse_spec", "spec_json"]

_UNION: Any = Annotated[Union[tuple(family.spec for family in FAMILIES)], Field(discriminator="family")]  # noqa: UP007
_ANY_SPEC: TypeAdapter[ModelSpec] = TypeAdapter(_UNION)


def spec_json(spec: ModelSpec) -> str:
    """A spec as JSON, for `parse_spec`."""
    return spec.model_dump_json()


def parse_spec(text: str) -> ModelSpec:
    """The spec that a JSON text describes; its version is the one it had when it was written.

    Raises:
        UnknownModel: Not a spec of any family here: another family, a field too many or too few, a value out of range.
    """
    try:
        spec = _ANY_SPEC.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise _unreadable(first["msg"], ".".join(str(part) for part in first["loc"])) from error
    if json.loads(text) != spec.model_dump(mode="json"):
        # A default filled in for a field that was not stored would give the spec another version than it had.
        raise _unreadable("It was written by another version of reelindex", "")
    return spec


def _unreadable(why: str, place: str) -> UnknownModel:
    return UnknownModel(
        f"this is not the spec of a model that this version of reelindex has: {why}.",
        where=f"model spec, {place or 'the top'}",
        remedy=f"Known families: {', '.join(family.name for family in FAMILIES)}.",
    )
