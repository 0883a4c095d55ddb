"""open_clip: models that were trained to place pictures and sentences in one space.

Source: Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision"; Ilharco et al.,
OpenCLIP. References, each with `?precision=bfloat16` where half the memory and a different version are wanted:

- `<architecture>/<tag>`: weights that open_clip knows by name, from the hub or its local cache;
- `<architecture>@<checkpoint>`: a checkpoint of one's own, its pictures prepared as open_clip does by default;
- `<architecture>/<tag>@<checkpoint>`: the weights of a tag from a file: the same version as from the hub;
- `hf-hub:<organisation>/<name>[@<revision>]` and `local-dir:<folder>`: a model with its `open_clip_config.json`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, cast

import numpy as np

from encoders.errors import EncodeFailed, UnknownModel, WeightsMissing
from encoders.family import Family, Frozen, ModelSpec, Runtime
from encoders.hub import find_hub, find_hub_file, locate_hub
from encoders.local_weights import find_local
from encoders.model_source import ModelSource, locate_source
from encoders.open_clip_catalogue import architecture, pretrained, tags_of
from encoders.pictures import flatten, mean_by_segment, opened, unit
from encoders.prefetch import prepared_ahead
from encoders.protocols import ForwardPasses, Keyframes, Seen, Vectors

if TYPE_CHECKING:
    import torch

Precision = Literal["float32", "bfloat16"]
_PRECISIONS: dict[Precision, str] = {"float32": "fp32", "bfloat16": "pure_bf16"}
_CONFIG = "open_clip_config.json"
_CHECKPOINTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_TOKENIZER_FILES = ("*token*", "vocab*", "merges.txt", "*.model", "config.json")
_CONTEXT_LENGTH = 77


class Preprocessing(Frozen):
    """How a picture becomes the network's input: open_clip's own transform with these settings."""

    size: tuple[int, int]
    mean: tuple[float, ...] = (0.48145466, 0.4578275, 0.40821073)
    std: tuple[float, ...] = (0.26862954, 0.26130258, 0.27577711)
    interpolation: Literal["bicubic", "bilinear"] = "bicubic"
    resize_mode: Literal["shortest", "longest", "squash"] = "shortest"
    fill_color: int = 0


class OpenClipSpec(ModelSpec):
    """An architecture, its weights, and how pictures and sentences are prepared for it.

    The version of open_clip is not in it: a release that changed what a model says would break its canary, while one
    that does not must not have a corpus embedded again.
    """

    describe: ClassVar[str] = (
        "Pictures and sentences in one space, learnt from captioned pictures: finds scenes, actions and things by "
        "their description. How well depends on the weights."
    )

    role: Literal["visual"] = "visual"
    family: Literal["open_clip"] = "open_clip"
    model: str
    architecture: dict[str, Any]
    """open_clip's configuration of the two towers."""
    weights: ModelSource
    tokenizer: ModelSource | None
    """Files of a tokenizer that does not come with open_clip."""
    text_tower: ModelSource | None
    """The configuration of a text tower that transformers builds."""
    preprocessing: Preprocessing
    context_length: int
    query_prompt: str = "{}"
    pooling: Literal["mean-of-keyframes"] = "mean-of-keyframes"
    normalisation: Literal["l2"] = "l2"
    dim: int
    precision: Precision = "float32"

    @property
    def slug(self) -> str:
        """The readable part of the version."""
        precision = "" if self.precision == "float32" else f"-{self.precision}"
        return re.sub(r"[^a-z0-9._]+", "-", f"{self.family}-{self.model}{precision}".lower())


class OpenClip:
    """A loaded model; both towers are read at the first use of either. One thread at a time."""

    def __init__(self, spec: OpenClipSpec, runtime: Runtime) -> None:
        self._checkpoint = locate_source(spec.weights) / spec.weights.files[0].path
        self._tokenizer_folder = locate_source(spec.tokenizer) if spec.tokenizer else None
        self._text_tower = locate_source(spec.text_tower) if spec.text_tower else None
        self._spec = spec
        self._runtime = runtime
        self._images = 0
        self._texts = 0

    @property
    def spec(self) -> OpenClipSpec:
        """What it was loaded from."""
        return self._spec

    @property
    def forward_passes(self) -> ForwardPasses:
        """Pictures and queries pushed through the towers."""
        return ForwardPasses(images=self._images, texts=self._texts)

    def embed_segments(self, keyframes: Keyframes) -> Vectors:
        """Unit vectors of segments, float32 `(n, dim)`: the mean over their keyframes' unit vectors, renormalised."""
        pictures, counts = flatten(keyframes)
        return unit(mean_by_segment(self.see(pictures).vectors, counts))

    def see(self, pictures: Sequence[bytes]) -> Seen:
        """The unit vectors of pictures `(n, dim)`, which are all that a head can read."""
        import torch

        rows = np.empty((len(pictures), self._spec.dim), dtype=np.float32)
        batch = self._runtime.image_batch
        starts = range(0, len(pictures), batch)
        decoded = prepared_ahead(
            starts,
            lambda start: torch.stack([self._pixels(pictures[n], n) for n in _span(start, batch, len(pictures))]),
        )
        with torch.inference_mode():
            for start, pixels in zip(starts, decoded, strict=True):
                features = self._network.encode_image(pixels.to(self._dtype))
                rows[start : start + len(pixels)] = features.float().numpy()
                self._images += len(pixels)
        vectors = unit(rows)
        return Seen(vectors, vectors)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of queries, float32 `(n, dim)`. What lies beyond `context_length` tokens is not read."""
        import torch

        for index, text in enumerate(texts):
            if not text.strip():
                raise EncodeFailed("an empty text has no vector.", where=f"text {index}", remedy="Leave it out.")
        rows = np.empty((len(texts), self._spec.dim), dtype=np.float32)
        batch = self._runtime.text_batch
        prompts = [self._spec.query_prompt.replace("{}", text) for text in texts]
        with torch.inference_mode():
            for start in range(0, len(prompts), batch):
                tokens = self._tokenize(prompts[start : start + batch])
                rows[start : start + len(tokens)] = self._network.encode_text(tokens).float().numpy()
                self._texts += len(tokens)
        return unit(rows)

    def _pixels(self, picture: bytes, place: int) -> torch.Tensor:
        with opened(picture, place) as image:
            return cast("torch.Tensor", self._transform(image.convert("RGB")))

    @cached_property
    def _dtype(self) -> torch.dtype:
        import torch

        return torch.bfloat16 if self._spec.precision == "bfloat16" else torch.float32

    @cached_property
    def _network(self) -> Any:
        return _open_network(self._spec, self._checkpoint, self._text_tower)

    @cached_property
    def _transform(self) -> Any:
        from open_clip.transform import PreprocessCfg, image_transform_v2

        return image_transform_v2(PreprocessCfg(**self._spec.preprocessing.model_dump()), is_train=False)

    @cached_property
    def _tokenize(self) -> Any:
        from open_clip.tokenizer import HFTokenizer, SimpleTokenizer

        text = self._spec.architecture["text_cfg"]
        options = text.get("tokenizer_kwargs", {})
        if self._tokenizer_folder is None:
            return SimpleTokenizer(context_length=self._spec.context_length, **options)
        return HFTokenizer(
            str(self._tokenizer_folder),
            context_length=self._spec.context_length,
            tokenizer_mode=text.get("tokenizer_mode"),
            **options,
        )


def _span(start: int, length: int, end: int) -> range:
    return range(start, min(start + length, end))


def _open_network(spec: OpenClipSpec, checkpoint: Path, text_tower: Path | None) -> Any:
    import open_clip

    configuration = json.loads(json.dumps(spec.architecture))
    if text_tower is not None:
        configuration["text_cfg"]["hf_model_name"] = str(text_tower)
    with TemporaryDirectory(prefix="reelindex-") as folder:
        # open_clip builds from a named configuration only; the version names this one and no other.
        path = Path(folder) / f"{spec.version}.json"
        path.write_text(json.dumps(configuration), encoding="utf-8")
        open_clip.add_model_config(path)
    try:
        network = open_clip.create_model(
            spec.version, pretrained=str(checkpoint), precision=_PRECISIONS[spec.precision], device="cpu"
        )
    except Exception as error:  # unpicklable, of other shapes, of other names: each format has its own exceptions
        raise WeightsMissing(
            f"the checkpoint cannot be loaded as {spec.model}: {str(error).strip().splitlines()[0]}",
            where=str(checkpoint),
            remedy="Name the architecture that it was trained with, and a checkpoint of plain tensors.",
        ) from error
    return network.eval().requires_grad_(False)


class _Parts(NamedTuple):
    """What a reference leads to."""

    model: str
    architecture: dict[str, Any]
    weights: ModelSource
    preprocessing: Mapping[str, Any]
    folder: Path | None = None


def resolve_open_clip(model: str) -> OpenClipSpec:
    """The spec of what a reference names, its weights downloaded if they are neither a file nor in the local cache.

    Raises:
        UnknownModel: No such architecture, tag, repository or precision; the nearest names are listed.
        WeightsMissing: The weights are not here and cannot be fetched.
    """
    reference, precision = _without_precision(model)
    parts = _parts_of(reference)
    vision, text = parts.architecture["vision_cfg"], parts.architecture["text_cfg"]
    size = vision.get("image_size", 224)
    known = {name: parts.preprocessing.get(name) for name in Preprocessing.model_fields}
    return OpenClipSpec(
        model=parts.model,
        architecture=parts.architecture,
        weights=parts.weights,
        tokenizer=_tokenizer_of(text, parts.folder),
        text_tower=find_hub(text["hf_model_name"], None, ("config.json",)) if "hf_model_name" in text else None,
        preprocessing=Preprocessing.model_validate(
            {name: value for name, value in known.items() if value is not None}
            | {"size": size if isinstance(size, list) else (size, size)}
        ),
        context_length=text.get("context_length", _CONTEXT_LENGTH),
        dim=parts.architecture["embed_dim"],
        precision=precision,
    )


def _without_precision(model: str) -> tuple[str, Precision]:
    reference, mark, wanted = model.partition("?precision=")
    for precision in _PRECISIONS:
        if wanted == precision:
            return reference, precision
    if mark:
        raise UnknownModel(
            "open_clip models have no such precision.", where=wanted, remedy=f"There are: {', '.join(_PRECISIONS)}."
        )
    return reference, "float32"


def _parts_of(reference: str) -> _Parts:
    kind, _, rest = reference.partition(":")
    if kind == "hf-hub":
        repo, _, revision = rest.partition("@")
        config = locate_hub(find_hub_file(repo, revision or None, [_CONFIG])) / _CONFIG
        towers, preprocessing = _configuration(config)
        return _Parts(repo, towers, find_hub_file(repo, revision or None, _CHECKPOINTS), preprocessing)
    if kind == "local-dir":
        folder = Path(find_local(rest, (_CONFIG,)).path)
        towers, preprocessing = _configuration(folder / _CONFIG)
        checkpoint = next((folder / name for name in _CHECKPOINTS if (folder / name).is_file()), None)
        if checkpoint is None:
            raise WeightsMissing(f"the folder has no {' or '.join(_CHECKPOINTS)}.", where=str(folder))
        # Not the folder's name: the same files elsewhere are the same version.
        return _Parts("local", towers, find_local(checkpoint), preprocessing, folder)
    return _named(reference)


def _configuration(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The towers and the preprocessing that an `open_clip_config.json` describes."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return content["model_cfg"], content.get("preprocess_cfg", {})
    except (ValueError, KeyError, TypeError) as error:
        raise UnknownModel(
            f"this is not the configuration of an open_clip model ({type(error).__name__}: {error}).", where=str(path)
        ) from error


def _named(reference: str) -> _Parts:
    model, _, checkpoint = reference.partition("@")
    name, _, tag = model.partition("/")
    towers = architecture(name)
    if not tag and not checkpoint:
        raise UnknownModel("an architecture alone has no weights.", where=name, remedy=tags_of(name))
    published = pretrained(name, tag) if tag else {}
    if published.get("quick_gelu"):
        # Weights trained with this activation are quietly wrong with the other one.
        towers["quick_gelu"] = True
    weights = find_local(checkpoint) if checkpoint else _published_weights(published)
    return _Parts(model, towers, weights, published)


def _published_weights(published: Mapping[str, Any]) -> ModelSource:
    repo, _, name = published["hf_hub"].rpartition("/")
    names = [f"{name[:-4]}.safetensors", name] if name.endswith((".bin", ".pth")) else [name]
    return find_hub_file(repo, None, names if name else _CHECKPOINTS)


def _tokenizer_of(text: Mapping[str, Any], folder: Path | None) -> ModelSource | None:
    repo = text.get("hf_tokenizer_name")
    if not repo:
        return None
    return find_local(folder, _TOKENIZER_FILES) if folder else find_hub(repo, None, _TOKENIZER_FILES)


def load_open_clip(spec: OpenClipSpec, runtime: Runtime) -> OpenClip:
    """Check that the weights are there; the towers follow at first use.

    Raises:
        WeightsMissing: The weights of the spec are not to be had, or are other bytes.
    """
    return OpenClip(spec, runtime)


FAMILY = Family(
    spec=OpenClipSpec,
    models=(),
    resolve=resolve_open_clip,
    load=load_open_clip,
    examples=(
        "<architecture>/<tag> (such as MobileCLIP2-S2/dfndr2b)",
        "<architecture>@<checkpoint file>",
        "hf-hub:<organisation>/<name>[@<revision>]",
        "local-dir:<folder>",
    ),
)
