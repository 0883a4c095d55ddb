"""A trained head on a frozen tower: the corpus's own space, learnt from pairs of pictures and sentences.

Source: Gao et al. 2021, "CLIP-Adapter", for the residual on the tower's own vector; the attention over a segment's
keyframes is that of Ilse et al. 2018, "Attention-based Deep Multiple Instance Learning", with one linear score. A
reference is the name of a head that reelindex ships, or the path of one that `reelindex train` wrote.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from encoders.adapter_file import HeadWeights, find_head, locate_head, read_header, read_tensors, shipped_heads
from encoders.conse import ConseSpec, load_conse, resolve_conse
from encoders.errors import UnknownModel, WeightsMissing
from encoders.family import Family, ModelSpec, Runtime
from encoders.open_clip import OpenClipSpec, load_open_clip, resolve_open_clip
from encoders.pictures import attend_by_segment, flatten, mean_by_segment, unit
from encoders.protocols import ForwardPasses, Keyframes, Seen, Tower, Vectors
from encoders.vocabulary import Vocabulary

if TYPE_CHECKING:
    import torch

TowerSpec = Annotated[ConseSpec | OpenClipSpec, Field(discriminator="family")]
TOWERS = ("conse", "open_clip")


class AdapterSpec(ModelSpec):
    """A tower, and the head that was trained on it."""

    describe: ClassVar[str] = (
        "A small head, trained on pictures with captions, over a frozen model: as good as the tower's features and "
        "the captions let it be, and best on what resembles them."
    )

    role: Literal["visual"] = "visual"
    family: Literal["adapter"] = "adapter"
    model: str
    tower: TowerSpec
    weights: HeadWeights
    pooling: Literal["mean-of-keyframes", "attention-over-keyframes"]
    normalisation: Literal["l2"] = "l2"
    dim: int
    precision: Literal["float32"] = "float32"


class Adapter:
    """A loaded head; the tower's two sides are loaded when first used. One thread at a time."""

    def __init__(self, spec: AdapterSpec, runtime: Runtime) -> None:
        self._file = locate_head(spec.weights)
        self._spec = spec
        self._tower: Tower = open_tower(spec.tower, runtime)

    @property
    def spec(self) -> AdapterSpec:
        """What it was loaded from."""
        return self._spec

    @property
    def forward_passes(self) -> ForwardPasses:
        """Those of the tower: the head's own cost next to nothing."""
        return self._tower.forward_passes

    def embed_segments(self, keyframes: Keyframes) -> Vectors:
        """Unit vectors of segments, float32 `(n, dim)`: the pooled head vectors of their keyframes, renormalised."""
        pictures, counts = flatten(keyframes)
        seen = self._tower.see(pictures)
        rows = self._head.place_pictures(seen)
        if self._spec.pooling == "mean-of-keyframes":
            return unit(mean_by_segment(rows, counts))
        return unit(attend_by_segment(rows, self._head.attention(seen), counts))

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of queries, float32 `(n, dim)`."""
        return self._head.place_sentences(self._tower.embed_queries(texts), texts)

    @cached_property
    def _head(self) -> Head:
        return Head(read_tensors(self._file), read_header(self._file).words)


class Head:
    """The trained layers alone, as they run when nothing is trained any more.

    Args:
        tensors: float32. `picture.<i>.weight`, `picture.<i>.bias` for each layer, with GELU between them;
            `base.gain` where the tower's own vector is added, `tower.share` where it also stands beside the head's;
            `sentence.weight`, `sentence.bias`; `words.weight` where words have vectors of their own;
            `attention.weight` where keyframes are weighed.
        words: Of the rows of `words.weight`, from row 1.
    """

    def __init__(self, tensors: dict[str, torch.Tensor], words: Sequence[str] = ()) -> None:
        self._tensors = tensors
        self._vocabulary = Vocabulary(words)
        self._layers = sum(name.startswith("picture.") and name.endswith(".weight") for name in tensors)

    @property
    def attends(self) -> bool:
        """Whether keyframes are weighed rather than averaged."""
        return "attention.weight" in self._tensors

    def place_pictures(self, seen: Seen) -> Vectors:
        """Unit vectors of pictures, float32 `(n, dim)`."""
        import torch
        from torch.nn.functional import gelu, linear

        with torch.inference_mode():
            rows = torch.from_numpy(seen.features)
            for layer in range(self._layers):
                rows = gelu(rows) if layer else rows
                rows = linear(rows, self._tensors[f"picture.{layer}.weight"], self._tensors[f"picture.{layer}.bias"])
            if "base.gain" in self._tensors:
                rows = rows + self._tensors["base.gain"] * torch.from_numpy(seen.vectors)
            return self._beside(unit(rows.numpy()), seen.vectors)

    def place_sentences(self, vectors: Vectors, texts: Sequence[str]) -> Vectors:
        """Unit vectors of sentences, float32 `(n, dim)`, from the tower's own `(n, d)` and their words."""
        import torch
        from torch.nn.functional import embedding, linear

        with torch.inference_mode():
            rows = linear(torch.from_numpy(vectors), self._tensors["sentence.weight"], self._tensors["sentence.bias"])
            if len(self._vocabulary):
                known = torch.from_numpy(self._vocabulary.rows_of(texts))
                # The square root: two words say more than one, not twice as much.
                share = (known > 0).sum(1, keepdim=True).clamp(min=1).sqrt()
                rows = rows + embedding(known, self._tensors["words.weight"]).sum(1) / share
            return self._beside(unit(rows.numpy()), vectors)

    def _beside(self, rows: Vectors, old: Vectors) -> Vectors:
        """The tower's vectors beside the head's, where it has a share in the similarity."""
        if "tower.share" not in self._tensors:
            return rows
        share = float(self._tensors["tower.share"])
        beside: Vectors = np.hstack([rows, share**0.5 * unit(old)]).astype(np.float32)
        return unit(beside)

    def attention(self, seen: Seen) -> Vectors:
        """How much each picture has to say beside others of its segment, before the softmax: float32 `(n,)`."""
        scores: Vectors = seen.features @ self._tensors["attention.weight"].numpy()
        return scores


def open_tower(spec: ConseSpec | OpenClipSpec, runtime: Runtime) -> Tower:
    """The frozen model that a head stands on.

    Raises:
        WeightsMissing: Its weights are not here.
    """
    return load_conse(spec, runtime) if isinstance(spec, ConseSpec) else load_open_clip(spec, runtime)


def resolve_tower(reference: str) -> ConseSpec | OpenClipSpec:
    """The spec of a tower, from the reference that the settings would name it by.

    Raises:
        UnknownModel: Not a model of pictures and sentences that a head can stand on.
        WeightsMissing: Its weights are not here.
    """
    family, _, model = reference.partition(":")
    if family == "conse":
        return resolve_conse(model) if model else resolve_conse()
    if family == "open_clip":
        return resolve_open_clip(model)
    raise UnknownModel(
        "a head cannot be trained on this model.", where=reference, remedy=f"Families that can: {', '.join(TOWERS)}."
    )


def resolve_adapter(model: str) -> AdapterSpec:
    """The spec of a shipped head, or of one in a file.

    Raises:
        UnknownModel: There is no shipped head of this name.
        WeightsMissing: The file is not there, is no trained head, or its tower is here in another version.
    """
    weights = find_head(model)
    path = locate_head(weights)
    header = read_header(path)
    tower = resolve_tower(header.tower)
    if tower.version != header.tower_version:
        raise WeightsMissing(
            f"the head was trained on {header.tower_version}; what is installed here is {tower.version}.",
            where=str(path),
            remedy="Install the packages or the weights that it was trained on, or train it again.",
        )
    return AdapterSpec(model=header.name, tower=tower, weights=weights, pooling=header.pooling, dim=header.dim)


def load_adapter(spec: AdapterSpec, runtime: Runtime) -> Adapter:
    """Check that head and tower are there; the networks follow at first use.

    Raises:
        WeightsMissing: The weights of the spec are gone, or are other bytes.
    """
    return Adapter(spec, runtime)


FAMILY: Family[Any] = Family(
    spec=AdapterSpec,
    models=shipped_heads(),
    resolve=resolve_adapter,
    load=load_adapter,
    examples=("<a file that `reelindex train` wrote>",),
)
