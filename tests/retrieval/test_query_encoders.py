"""The real sentence encoder behind a search, and what is refused in its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from encoders.canary import Canary, compute
from encoders.conse import ConseSpec
from encoders.errors import CanaryMismatch, UnknownModel, WeightsMissing
from encoders.minilm import MiniLM, MiniLMSpec
from encoders.protocols import Vectors
from encoders.registry import load_text, resolve
from lake.model_versions import ModelVersion, ModelVersions
from lake.schema import vectors_table
from retrieval import open_index
from retrieval.errors import WrongEncoder
from retrieval.indexes import ensure_indexes
from retrieval.query_encoders import QueryEncoders
from tests.retrieval.small_corpus import Scene, SmallCorpus

BEACH = Scene(1, caption="a dog runs on the beach")
KITCHEN = Scene(2, transcript="boil the pasta for eight minutes")
ROCKET = Scene(3, caption="a rocket leaves the launch pad")


@dataclass(frozen=True)
class Sentences:
    """The installed sentence encoder, and what it makes of the fixed inputs."""

    spec: MiniLMSpec
    model: MiniLM
    queries: Vectors

    def registered(self, version: str, *, spec: Mapping[str, Any] | None = None, drift: float = 0.0) -> ModelVersion:
        """A row of the registry for this encoder, or for something that only looks like it."""
        canary = Canary(version, {"queries": np.roll(self.queries, 1, axis=0) * drift + self.queries * (1 - drift)})
        stored = self.spec.model_dump(mode="json") if spec is None else spec
        return ModelVersion(version, "text", "text", stored, self.spec.dim, canary.to_dict())


@pytest.fixture(scope="module")
def sentences() -> Sentences:
    """The default sentence encoder, where the extra with its weights is installed."""
    try:
        spec = resolve("text", "minilm")
    except WeightsMissing as error:
        pytest.skip(f"needs the extra 'embedded': {error}")
    assert isinstance(spec, MiniLMSpec)
    model = load_text(spec)
    assert isinstance(model, MiniLM)
    return Sentences(spec, model, compute(model, ["queries"]).parts["queries"])


def write(small: SmallCorpus, sentences: Sentences, version: str) -> None:
    """Three documents, their real vectors, and a release of them."""
    scenes = [BEACH, KITCHEN, ROCKET]
    small.write(scenes)
    spec = vectors_table("text", version, sentences.spec.dim)
    small.lake.create(spec)
    vectors = sentences.model.embed_documents([f"{scene.caption} {scene.transcript}" for scene in scenes])
    small.lake.upsert(spec, [{**s.place, "input_fp": "i", "vector": v} for s, v in zip(scenes, vectors, strict=True)])
    ensure_indexes(small.lake)
    small.release({"text": version})


def test_meaning_is_found_without_a_word_in_common(small: SmallCorpus, sentences: Sentences) -> None:
    ModelVersions(small.lake).register(sentences.registered(sentences.spec.version))
    write(small, sentences, sentences.spec.version)
    with open_index(small.folder) as index:
        for query, scene in [("puppy at the seaside", BEACH), ("cooking dinner", KITCHEN), ("space flight", ROCKET)]:
            best = index.search(query).results[0]
            assert best.segment_id == scene.segment_id
            assert set(best.legs) == {"text"}
        assert index.search("🎬" * 5000).results
        assert index.search("\x00").results


def test_spaces_with_the_same_sentence_model_share_it(small: SmallCorpus, sentences: Sentences) -> None:
    try:
        conse = resolve("visual", "conse")
    except WeightsMissing as error:
        pytest.skip(f"needs the extra 'embedded': {error}")
    assert isinstance(conse, ConseSpec)
    versions = ModelVersions(small.lake)
    versions.register(sentences.registered(sentences.spec.version))
    versions.register(sentences.registered(conse.version, spec=conse.model_dump(mode="json")))
    encoders = QueryEncoders(small.lake)
    text, visual = encoders.embed(sentences.spec.version, "a dog"), encoders.embed(conse.version, "a dog")
    assert visual is text
    assert np.allclose(text, sentences.model.embed_queries(["a dog"])[0], atol=1e-6)


def test_another_version_than_the_release_s_is_refused(small: SmallCorpus, sentences: Sentences) -> None:
    released = "all-minilm-l6-v2-000000000000"
    ModelVersions(small.lake).register(sentences.registered(released))
    write(small, sentences, released)
    with open_index(small.folder) as index:
        with pytest.raises(WrongEncoder, match=rf"{released}.*{sentences.spec.version}"):
            index.search("dog")
        assert len(index.search("dog", legs=["caption"]).results) == 1


def test_a_version_that_is_not_registered_is_refused(small: SmallCorpus) -> None:
    small.write([BEACH])
    small.release()
    with open_index(small.folder) as index, pytest.raises(WrongEncoder, match=r"words-1.*not registered"):
        index.search("dog")


def test_a_model_that_says_something_else_now_is_refused_every_time(small: SmallCorpus, sentences: Sentences) -> None:
    version = sentences.spec.version
    ModelVersions(small.lake).register(sentences.registered(version, drift=0.1))
    encoders = QueryEncoders(small.lake)
    for _ in range(2):
        with pytest.raises(CanaryMismatch, match=version):
            encoders.embed(version, "dog")


def test_other_weights_than_the_version_s_are_refused(small: SmallCorpus, sentences: Sentences) -> None:
    weights = sentences.spec.weights
    other = weights.files[0].model_copy(update={"sha256": "0" * 64})
    spec = sentences.spec.model_copy(
        update={"weights": weights.model_copy(update={"files": (other, *weights.files[1:])})}
    )
    ModelVersions(small.lake).register(sentences.registered(spec.version, spec=spec.model_dump(mode="json")))
    with pytest.raises(WeightsMissing):
        QueryEncoders(small.lake).embed(spec.version, "dog")


def test_a_spec_of_no_known_family_is_refused(small: SmallCorpus) -> None:
    stranger = ModelVersion("new-1", "text", "text", {"family": "new"}, 3, {})
    ModelVersions(small.lake).register(stranger)
    with pytest.raises(UnknownModel):
        QueryEncoders(small.lake).embed("new-1", "dog")
