"""The encoders that turn queries into vectors of a release's versions, and the proof that they are the right ones."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from lake.model_versions import ModelVersion, ModelVersions
from lake.store import Lake
from retrieval.errors import WrongEncoder

if TYPE_CHECKING:
    from encoders.canary import Canary
    from encoders.family import ModelSpec
    from encoders.protocols import ImageEncoder, QueryEncoder

_REMEMBERED_QUERIES = 512


class EmbedsQueries(Protocol):
    """What turns a query into a vector of a model version. Called from several threads."""

    def embed(self, version: str, query: str) -> NDArray[np.float32]:
        """The unit vector of a query that is not blank, float32 `(dim,)`, as the version makes it."""
        ...


@runtime_checkable
class EmbedsManyQueries(Protocol):
    """What can turn many queries into vectors in one go, for `embed` to find them known."""

    def embed_all(self, version: str, queries: Sequence[str]) -> None:
        """Embeds queries that are not blank as the version makes them, and remembers the last 512."""
        ...


@runtime_checkable
class EmbedsPictures(Protocol):
    """What turns a picture into a vector of a model version. Called from several threads."""

    def embed_picture(self, version: str, picture: bytes) -> NDArray[np.float32]:
        """The unit vector of a picture, float32 `(dim,)`, as a version of the visual space makes it."""
        ...


class QueryEncoders:
    """Query encoders by model version: each loaded and checked at its first use, then kept.

    Versions whose queries are embedded by the same model share one instance, and a query is embedded once for all of
    them. Safe to use from several threads.
    """

    def __init__(self, lake: Lake, *, cache_dir: Path | None = None) -> None:
        self._versions = ModelVersions(lake)
        self._cache_dir = cache_dir
        self._lock = threading.Lock()
        self._by_version: dict[str, _SharedEncoder] = {}
        self._by_model: dict[str, _SharedEncoder] = {}
        self._of_pictures: dict[str, ImageEncoder] = {}

    def embed(self, version: str, query: str) -> NDArray[np.float32]:
        """The unit vector of a query that is not blank, float32 `(dim,)`, as `version` makes it.

        Raises:
            WrongEncoder: The version was never registered here, or its stored spec has another version now.
            UnknownModel: This version of reelindex does not have the model's family.
            WeightsMissing: The weights that the version was made from are not installed.
            CanaryMismatch: The model does not say here what it said when it was registered.
        """
        return self._encoder_of(version).embed(query)

    def embed_all(self, version: str, queries: Sequence[str]) -> None:
        """Embeds queries that are not blank in one go, for `embed` to find them known.

        Raises:
            WrongEncoder, UnknownModel, WeightsMissing, CanaryMismatch: As `embed`.
        """
        self._encoder_of(version).embed_all(queries)

    def _encoder_of(self, version: str) -> _SharedEncoder:
        with self._lock:
            encoder = self._by_version.get(version)
            if encoder is None:
                encoder = self._by_version[version] = self._open(version)
            return encoder

    def embed_picture(self, version: str, picture: bytes) -> NDArray[np.float32]:
        """The unit vector of a picture, float32 `(dim,)`, as `version` of the visual space makes it.

        Raises:
            EncodeFailed: It is not a picture.
            WrongEncoder, UnknownModel, WeightsMissing, CanaryMismatch: As `embed`.
        """
        with self._lock:
            encoder = self._of_pictures.get(version)
            if encoder is None:
                encoder = self._of_pictures[version] = self._open_pictures(version)
            vector: NDArray[np.float32] = encoder.embed_segments([[picture]])[0]
            return vector

    def _open_pictures(self, version: str) -> ImageEncoder:
        from encoders.canary import Canary, compute, verify
        from encoders.protocols import ImageEncoder
        from encoders.registry import load

        registered = self._registered(version)
        model = load(_spec_of(registered), cache_dir=self._cache_dir)
        if not isinstance(model, ImageEncoder):
            raise WrongEncoder("the model of the release does not look at pictures.", where=version)
        verify(Canary.from_dict(registered.canary), compute(model))
        return model

    def _open(self, version: str) -> _SharedEncoder:
        from encoders.canary import Canary, verify

        registered = self._registered(version)
        model = _spec_of(registered).query_spec
        encoder = self._by_model.get(model.version)
        if encoder is None:
            encoder = _SharedEncoder(_load(model, self._cache_dir))
        verify(Canary.from_dict(registered.canary), Canary(version, encoder.canary.parts))
        self._by_model[model.version] = encoder
        return encoder

    def _registered(self, version: str) -> ModelVersion:
        registered = self._versions.find(version)
        if registered is None:
            raise WrongEncoder(
                "the release names a model version that is not registered here, so its queries cannot be embedded.",
                where=version,
                remedy="`reelindex rollback` goes back to the release before.",
            )
        return registered


class _SharedEncoder:
    """One loaded model, used by one thread at a time; recent queries are not embedded twice."""

    def __init__(self, encoder: QueryEncoder) -> None:
        from encoders.canary import compute

        self._encoder = encoder
        self._lock = threading.Lock()
        self._recent: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self.canary: Canary = compute(encoder, ["queries"])

    def embed(self, query: str) -> NDArray[np.float32]:
        with self._lock:
            if query not in self._recent:
                self._remember([query])
            self._recent.move_to_end(query)
            return self._recent[query]

    def embed_all(self, queries: Sequence[str]) -> None:
        with self._lock:
            fresh = [query for query in dict.fromkeys(queries) if query not in self._recent]
            if fresh:
                self._remember(fresh)

    def _remember(self, queries: Sequence[str]) -> None:
        for query, vector in zip(queries, self._encoder.embed_queries(queries), strict=True):
            vector.setflags(write=False)
            self._recent[query] = vector
        while len(self._recent) > max(_REMEMBERED_QUERIES, len(queries)):
            self._recent.popitem(last=False)


def _spec_of(registered: ModelVersion) -> ModelSpec:
    from encoders.spec import parse_spec

    spec = parse_spec(json.dumps(registered.spec))
    _refuse_unless_same(registered.version, spec)
    return spec


def _load(spec: ModelSpec, cache_dir: Path | None) -> QueryEncoder:
    from encoders.protocols import QueryEncoder
    from encoders.registry import load

    encoder = load(spec, cache_dir=cache_dir)
    _refuse_unless_same(spec.version, encoder.spec)
    if not isinstance(encoder, QueryEncoder):
        raise WrongEncoder("the model cannot embed queries.", where=spec.version)
    return encoder


def _refuse_unless_same(version: str, spec: ModelSpec) -> None:
    if spec.version != version:
        raise WrongEncoder(
            f"the encoder at hand is {spec.version}, not the one that made the vectors of the release.",
            where=version,
            remedy="Search with the version of reelindex that registered it, or backfill and promote the new version.",
        )
