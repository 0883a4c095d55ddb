"""What a model family brings: the class of its specs, and how to find and load them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Generic, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict

from kernel.identity import version_of

if TYPE_CHECKING:
    from encoders.protocols import LoadedModel

Role: TypeAlias = Literal["visual", "text", "transcriber", "captioner", "reader"]
IDENTITY = {"identity": True}
"""The serialisation context under which a value leaves out what says where it lies rather than what it is."""


class Frozen(BaseModel):
    """A value of a spec: immutable, compared by content, with no field that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelSpec(Frozen):
    """Everything that decides a model's output, and nothing else: no device, no threads, no batch size.

    A family subclasses it with a `Literal` for `role` and `family`, and with the fields that its outputs depend on.
    """

    describe: ClassVar[str]
    """What the model is and is not, in a sentence for people. Not part of its identity."""

    role: Role
    family: str
    model: str

    @property
    def slug(self) -> str:
        """The readable part of the version."""
        return f"{self.family}-{self.model}"

    @property
    def version(self) -> str:
        """`<slug>-<12 hex>`, derived from the content of every field; where files lie is no content."""
        return version_of(self.slug, self.model_dump(mode="json", context=IDENTITY))

    @property
    def query_spec(self) -> ModelSpec:
        """The spec of the model that embeds the queries of its space: itself, unless a family says otherwise."""
        return self


@dataclass(frozen=True, slots=True)
class Runtime:
    """How a model runs here. None of it changes what the model says.

    Attributes:
        cache_dir: Where derived files may be kept; None keeps nothing.
        image_batch: Pictures per forward pass.
        text_batch: Texts per forward pass.
        cpu_threads: Threads of a network that does not run in torch; 0 lets it choose.
    """

    cache_dir: Path | None = None
    image_batch: int = 8
    text_batch: int = 64
    cpu_threads: int = 0


S = TypeVar("S", bound=ModelSpec)


@dataclass(frozen=True, slots=True)
class Family(Generic[S]):
    """An entry of the registry.

    Attributes:
        spec: The class of its specs.
        models: The names that may follow `family:` in a reference; the first is meant when none is given.
        resolve: A name that the family takes to the spec of what is installed here; light.
        load: A spec to a loaded model; heavy libraries are imported here or later, not before.
        examples: For a family that takes other names too, such as those of a model hub: the forms that they have.
            `resolve` refuses what is no such name. Empty where `models` is all there is.
    """

    spec: type[S]
    models: tuple[str, ...]
    resolve: Callable[[str], S]
    load: Callable[[S, Runtime], LoadedModel]
    examples: tuple[str, ...] = ()

    def takes(self, model: str) -> bool:
        """Whether `resolve` is to be asked for a name; an empty name means the first of `models`."""
        return bool(self.models) if not model else model in self.models or bool(self.examples)

    @property
    def name(self) -> str:
        """The discriminator that its specs carry."""
        return str(self.spec.model_fields["family"].default)

    @property
    def role(self) -> str:
        """The role that its specs carry."""
        return str(self.spec.model_fields["role"].default)
