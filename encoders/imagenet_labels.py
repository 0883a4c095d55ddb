"""A captioner without a language model: the ImageNet classes it is fairly sure of, by name, and nothing else."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar, Literal

import numpy as np

from encoders.efficientnet import (
    Backbone,
    EfficientNetSpec,
    locate_classifier,
    resolve_efficientnet,
    shared_backbone,
)
from encoders.errors import UnknownModel
from encoders.family import Family, ModelSpec, Runtime
from encoders.imagenet import class_names
from encoders.pictures import flatten, mean_by_segment
from encoders.protocols import Caption, ForwardPasses, Keyframes, Label, Vectors
from kernel.identity import fingerprint

_MODEL: Literal["efficientnet-lite2"] = "efficientnet-lite2"


class ImagenetLabelsSpec(ModelSpec):
    """A classifier and the score from which its classes are said."""

    describe: ClassVar[str] = (
        "Names of ImageNet classes, not sentences: a list such as 'lion, cheetah', empty where the classifier is "
        "unsure. It knows 1,000 kinds of things, no people, no actions and no places beyond those."
    )

    role: Literal["captioner"] = "captioner"
    family: Literal["imagenet_labels"] = "imagenet_labels"
    model: Literal["efficientnet-lite2"] = _MODEL
    classifier: EfficientNetSpec
    classes: str
    """Fingerprint of the class names."""
    min_score: float = 0.25
    max_labels: int = 5
    pooling: Literal["mean-of-probabilities"] = "mean-of-probabilities"


class ImagenetLabels:
    """A loaded label captioner; the backbone is loaded at first use."""

    def __init__(self, spec: ImagenetLabelsSpec, runtime: Runtime) -> None:
        locate_classifier(spec.classifier)
        self._spec = spec
        self._batch = runtime.image_batch
        self._images = 0

    @property
    def spec(self) -> ImagenetLabelsSpec:
        """What it was loaded from."""
        return self._spec

    @property
    def forward_passes(self) -> ForwardPasses:
        """Pictures that were not in the backbone's memo."""
        return ForwardPasses(images=self._images)

    def caption_segments(self, keyframes: Keyframes) -> list[Caption]:
        """The labels of each segment, most probable first; no label and no text where none reaches `min_score`."""
        return [self._caption(scores) for scores in self.segment_features(keyframes)]

    def segment_features(self, keyframes: Keyframes) -> Vectors:
        """Mean class probabilities of each segment, float32 `(n, 1000)`."""
        pictures, counts = flatten(keyframes)
        probabilities, fresh = self._backbone.probabilities(pictures, batch=self._batch)
        self._images += fresh
        return mean_by_segment(probabilities, counts)

    def _caption(self, scores: Vectors) -> Caption:
        best = np.argsort(-scores, kind="stable")[: self._spec.max_labels]
        names = class_names()
        labels = tuple(
            Label(name=names[place], score=float(scores[place]))
            for place in best
            if scores[place] >= self._spec.min_score
        )
        return Caption(text=", ".join(label.name for label in labels), labels=labels)

    @cached_property
    def _backbone(self) -> Backbone:
        return shared_backbone(self._spec.classifier)


def resolve_imagenet_labels(model: str = _MODEL) -> ImagenetLabelsSpec:
    """The spec of what is installed here.

    Raises:
        UnknownModel: Another backbone than EfficientNet-Lite2.
        WeightsMissing: One of the packages is not installed.
    """
    if model != _MODEL:
        raise UnknownModel("the family imagenet_labels has no such model.", where=model, remedy=f"It has: {_MODEL}.")
    return ImagenetLabelsSpec(classifier=resolve_efficientnet(), classes=fingerprint(class_names()))


def load_imagenet_labels(spec: ImagenetLabelsSpec, runtime: Runtime) -> ImagenetLabels:
    """Check that the weights are there; the network follows at first use.

    Raises:
        WeightsMissing: The weights of the spec are not installed.
    """
    return ImagenetLabels(spec, runtime)


FAMILY = Family(spec=ImagenetLabelsSpec, models=(_MODEL,), resolve=resolve_imagenet_labels, load=load_imagenet_labels)
