"""The models of a run: resolved from their references, loaded when first needed, checked against the registry."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from encoders.canary import Canary, compute, verify
from encoders.family import ModelSpec, Role
from encoders.protocols import Captioner, ForwardPasses, LoadedModel, Reader, TextEncoder, Transcriber, VisualEncoder
from encoders.registry import load, resolve
from encoders.spec import parse_spec
from lake.model_versions import ModelVersion, ModelVersions
from lake.releases import Releases
from lake.schema import SPACES, Space
from lake.store import Lake


class Models:
    """The models that the settings name, and those that the live release still needs.

    A model is loaded once for as long as this object lives. The first load of a version in a lake registers it with its
    canary; every later one must answer the canary as the first did before it may write anything.
    """

    def __init__(self, lake: Lake, references: Mapping[Role, str], *, cache_dir: Path | None = None) -> None:
        self._lake = lake
        self._references = references
        self._cache_dir = cache_dir
        self._loaded: dict[str, LoadedModel] = {}
        self._counted: dict[str, ForwardPasses] = {}

    def spec(self, role: Role) -> ModelSpec:
        """The spec of the model that the settings name for a role. Reads weight files, loads nothing.

        Raises:
            UnknownModel: The settings name a model that there is not.
            WeightsMissing: Its weights are not installed.
        """
        return resolve(role, self._references[role])

    def wanted(self, space: Space) -> list[ModelSpec]:
        """The versions that every segment should be embedded in: the configured one, and the live one if it is another.

        So a corpus that grows stays searchable in the live version while another one is being filled.
        """
        configured = self.spec(space)
        live = Releases(self._lake).find_live()
        version = live.spaces.get(space) if live else None
        if version is None or version == configured.version:
            return [configured]
        registered = ModelVersions(self._lake).find(version)
        assert registered is not None  # a release is made of registered versions only
        return [configured, parse_spec(json.dumps(registered.spec))]

    def visual(self, spec: ModelSpec) -> VisualEncoder:
        """A loaded and checked model of the visual space."""
        return cast(VisualEncoder, self._open(spec))

    def text(self, spec: ModelSpec) -> TextEncoder:
        """A loaded and checked model of the text space."""
        return cast(TextEncoder, self._open(spec))

    def transcriber(self) -> Transcriber:
        """The loaded and checked transcriber."""
        return cast(Transcriber, self._open(self.spec("transcriber")))

    def captioner(self) -> Captioner:
        """The loaded and checked captioner."""
        return cast(Captioner, self._open(self.spec("captioner")))

    def reader(self) -> Reader:
        """The loaded and checked reader."""
        return cast(Reader, self._open(self.spec("reader")))

    def has(self, role: Role) -> bool:
        """Whether the settings name a model for a role; only a reader may be left out."""
        return bool(self._references.get(role))

    def register(self, spec: ModelSpec) -> None:
        """Enters a version that has had nothing to do yet; one that is registered is not loaded."""
        if ModelVersions(self._lake).find(spec.version) is None:
            self._open(spec)

    def work_since_last_asked(self, spec: ModelSpec) -> dict[str, float]:
        """What a model has pushed through its networks since this was last asked, under the names of a stage report.

        The canary of a fresh model is not in it: it is a check, not work of a stage.
        """
        model = self._loaded.get(spec.version)
        if model is None:
            return {}
        passes = model.forward_passes - self._counted[spec.version]
        self._counted[spec.version] = model.forward_passes
        counts = {"images_forwarded": passes.images, "texts_forwarded": passes.texts, "sound_s": passes.sound_s}
        return {name: float(amount) for name, amount in counts.items() if amount}

    @property
    def loaded(self) -> tuple[str, ...]:
        """The versions loaded so far."""
        return tuple(self._loaded)

    def _open(self, spec: ModelSpec) -> LoadedModel:
        if spec.version not in self._loaded:
            model = load(spec, cache_dir=self._cache_dir)
            self._check(spec, model)
            self._loaded[spec.version] = model
            self._counted[spec.version] = model.forward_passes
        return self._loaded[spec.version]

    def _check(self, spec: ModelSpec, model: LoadedModel) -> None:
        versions = ModelVersions(self._lake)
        registered = versions.find(spec.version)
        fresh = compute(model)
        if registered is None:
            registered = versions.register(_candidate(spec, fresh))
        verify(Canary.from_dict(dict(registered.canary)), fresh)


def _candidate(spec: ModelSpec, canary: Canary) -> ModelVersion:
    return ModelVersion(
        version=spec.version,
        role=spec.role,
        space=spec.role if spec.role in SPACES else None,
        spec=spec.model_dump(mode="json"),
        dim=getattr(spec, "dim", None),
        canary=canary.to_dict(),
    )
