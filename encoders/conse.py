"""ConSE: a space that pictures and words share, from a classifier and a sentence encoder, with no training.

Source: Norouzi et al. 2014, "Zero-Shot Learning by Convex Combination of Semantic Embeddings". A picture's vector is
the probability-weighted mean of the sentence vectors of its most probable classes; a query's vector is its sentence
vector. Weak where ImageNet has no class for the scene: faces, space, cartoons.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np

from encoders.class_sentences import cached_vectors
from encoders.efficientnet import (
    BACKBONES,
    Backbone,
    BackboneName,
    EfficientNetSpec,
    locate_classifier,
    resolve_efficientnet,
    shared_backbone,
)
from encoders.family import Family, ModelSpec, Runtime
from encoders.imagenet import class_names
from encoders.minilm import MiniLM, MiniLMSpec, resolve_minilm
from encoders.pictures import flatten, mean_by_segment, unit
from encoders.protocols import ForwardPasses, Keyframes, Seen, Vectors
from encoders.weights import locate_weights
from kernel.identity import fingerprint


class ConseSpec(ModelSpec):
    """A classifier, a sentence encoder, and how the one's classes become the other's vectors."""

    describe: ClassVar[str] = (
        "Pictures placed among sentences by the ImageNet classes they resemble. No training, no download; a fair "
        "default for everyday objects and animals, weak on faces, text, drawings and actions."
    )

    role: Literal["visual"] = "visual"
    family: Literal["conse"] = "conse"
    model: BackboneName = "efficientnet-lite2"
    classifier: EfficientNetSpec
    sentences: MiniLMSpec
    classes: str
    """Fingerprint of the class names."""
    class_prompt: str = "a photo of a {}"
    query_prompt: str = "{}"
    top_k: int = 50
    pooling: Literal["mean-of-keyframes"] = "mean-of-keyframes"
    normalisation: Literal["l2"] = "l2"
    dim: int
    precision: Literal["float32"] = "float32"

    @property
    def query_spec(self) -> MiniLMSpec:
        """The sentence encoder: no picture side is needed to place a query."""
        return self.sentences


class Conse:
    """A loaded ConSE: the picture side and the word side are loaded when first used. One thread at a time."""

    def __init__(self, spec: ConseSpec, runtime: Runtime) -> None:
        locate_classifier(spec.classifier)
        locate_weights(spec.sentences.weights)
        self._spec = spec
        self._runtime = runtime
        self._images = 0

    @property
    def spec(self) -> ConseSpec:
        """What it was loaded from."""
        return self._spec

    @property
    def forward_passes(self) -> ForwardPasses:
        """Pictures that were not in the backbone's memo, queries, and class sentences that were not in the cache."""
        texts = self._sentence_encoder.forward_passes if "_sentence_encoder" in self.__dict__ else ForwardPasses()
        return ForwardPasses(images=self._images) + texts

    def embed_segments(self, keyframes: Keyframes) -> Vectors:
        """Unit vectors of segments, float32 `(n, dim)`: the mean over their keyframes' vectors, renormalised."""
        pictures, counts = flatten(keyframes)
        return unit(mean_by_segment(self.see(pictures).vectors, counts))

    def see(self, pictures: Sequence[bytes]) -> Seen:
        """The classifier's last features `(n, 1280)`, and the vectors that its classes give `(n, dim)`."""
        features, fresh = self._backbone.features(pictures, batch=self._runtime.image_batch)
        self._images += fresh
        return Seen(features, self.place(features))

    def place(self, features: Vectors) -> Vectors:
        """Unit vectors, float32 `(n, dim)`, of pictures whose features, float32 `(n, 1280)`, are known."""
        return self._combine(self._backbone.classified(features))

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of queries, float32 `(n, dim)`."""
        return self._sentence_encoder.embed_queries(texts)

    def _combine(self, probabilities: Vectors) -> Vectors:
        rows = np.arange(len(probabilities))[:, None]
        top = np.argpartition(-probabilities, self._spec.top_k - 1, axis=1)[:, : self._spec.top_k]
        weights = np.zeros_like(probabilities)
        weights[rows, top] = probabilities[rows, top]
        return unit(weights @ self._class_vectors)

    @cached_property
    def _backbone(self) -> Backbone:
        return shared_backbone(self._spec.classifier)

    @cached_property
    def _sentence_encoder(self) -> MiniLM:
        return MiniLM(self._spec.sentences, batch=self._runtime.text_batch)

    @cached_property
    def _class_vectors(self) -> Vectors:
        return cached_vectors(
            self._runtime.cache_dir,
            self._spec.sentences.version,
            [self._spec.class_prompt.format(name) for name in class_names()],
            self._spec.dim,
            lambda sentences: self._sentence_encoder.embed_documents(sentences),
        )


def resolve_conse(model: str = BACKBONES[0]) -> ConseSpec:
    """The spec of what is installed here.

    Raises:
        UnknownModel: Not one of the backbones that there are.
        WeightsMissing: One of the packages is not installed.
    """
    classifier, sentences = resolve_efficientnet(model), resolve_minilm()
    return ConseSpec(
        model=classifier.model,
        classifier=classifier,
        sentences=sentences,
        classes=fingerprint(class_names()),
        dim=sentences.dim,
    )


def load_conse(spec: ConseSpec, runtime: Runtime) -> Conse:
    """Check that the weights are there; the networks follow at first use.

    Raises:
        WeightsMissing: The weights of the spec are not installed.
    """
    return Conse(spec, runtime)


FAMILY = Family(spec=ConseSpec, models=BACKBONES, resolve=resolve_conse, load=load_conse)
