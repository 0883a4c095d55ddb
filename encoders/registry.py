"""Every model family that reelindex knows, and the way from a reference to a spec to a loaded model.

A family is one file and one line of `FAMILIES`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from encoders import (
    adapter,
    conse,
    faster_whisper,
    imagenet_labels,
    minilm,
    open_clip,
    openai_whisper,
    screen_text,
    sentence_transformer,
    vision_language,
)
from encoders.errors import EncoderError, UnknownModel
from encoders.family import Family, ModelSpec, Role, Runtime
from encoders.protocols import Captioner, LoadedModel, Reader, TextEncoder, Transcriber, VisualEncoder

FAMILIES: tuple[Family[Any], ...] = (
    adapter.FAMILY,
    conse.FAMILY,
    open_clip.FAMILY,
    minilm.FAMILY,
    faster_whisper.FAMILY,
    imagenet_labels.FAMILY,
    openai_whisper.FAMILY,
    screen_text.FAMILY,
    sentence_transformer.FAMILY,
    vision_language.FAMILY,
)


def known_references(role: Role) -> list[str]:
    """What `resolve` takes for a role: every fixed name, and the forms of those that are open."""
    return [
        f"{family.name}:{model}"
        for family in FAMILIES
        if family.role == role
        for model in (*family.models, *family.examples)
    ]


def resolve(role: Role, reference: str) -> ModelSpec:
    """The spec of the model that a person means by `family` or `family:model`, as it is installed here.

    Imports no neural network library; reads the weight files once per process to name them by content. A model of a
    hub that is not in the local cache is downloaded.

    Raises:
        UnknownModel: No such family or model in this role.
        WeightsMissing: Its package is not installed, or its files are neither here nor can they be fetched.
    """
    name, _, model = reference.partition(":")
    for family in FAMILIES:
        if family.name == name and family.role == role and family.takes(model):
            return cast(ModelSpec, family.resolve(model or family.models[0]))
    raise UnknownModel(
        f"no {role} model has this name.", where=reference, remedy=f"Known: {', '.join(known_references(role))}."
    )


def load(
    spec: ModelSpec,
    *,
    cache_dir: Path | None = None,
    image_batch: int = 8,
    text_batch: int = 64,
    cpu_threads: int = 0,
) -> LoadedModel:
    """Load a model. None of the keywords changes what it says.

    Args:
        spec: From `resolve` or `parse_spec`.
        cache_dir: Where derived files may be kept, such as the class sentences of ConSE; None keeps nothing.
        image_batch: Pictures per forward pass.
        text_batch: Texts per forward pass.
        cpu_threads: Threads of a network that does not run in torch; 0 lets it choose.

    Raises:
        UnknownModel: The spec is of a family that this version of reelindex does not have.
        WeightsMissing: The weights it was made from are not installed here.
    """
    runtime = Runtime(cache_dir=cache_dir, image_batch=image_batch, text_batch=text_batch, cpu_threads=cpu_threads)
    for family in FAMILIES:
        if type(spec) is family.spec:
            return family.load(spec, runtime)
    raise UnknownModel("this version of reelindex does not have the family.", where=spec.family)


def load_visual(spec: ModelSpec, **options: Any) -> VisualEncoder:
    """`load` for a spec of the role `visual`; the same options, the same errors."""
    return cast(VisualEncoder, _load_as("visual", spec, options))


def load_text(spec: ModelSpec, **options: Any) -> TextEncoder:
    """`load` for a spec of the role `text`; the same options, the same errors."""
    return cast(TextEncoder, _load_as("text", spec, options))


def load_transcriber(spec: ModelSpec, **options: Any) -> Transcriber:
    """`load` for a spec of the role `transcriber`; the same options, the same errors."""
    return cast(Transcriber, _load_as("transcriber", spec, options))


def load_captioner(spec: ModelSpec, **options: Any) -> Captioner:
    """`load` for a spec of the role `captioner`; the same options, the same errors."""
    return cast(Captioner, _load_as("captioner", spec, options))


def load_reader(spec: ModelSpec, **options: Any) -> Reader:
    """`load` for a spec of the role `reader`; the same options, the same errors."""
    return cast(Reader, _load_as("reader", spec, options))


def _load_as(role: Role, spec: ModelSpec, options: dict[str, Any]) -> LoadedModel:
    if spec.role != role:
        raise EncoderError(f"a {spec.role} model cannot serve as {role}.", where=spec.version)
    return load(spec, **options)
