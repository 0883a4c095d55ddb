"""Any model that the library sentence-transformers publishes or saves, as the encoder of the text space.

Source: Reimers & Gurevych 2019, "Sentence-BERT"; package sentence-transformers. What decides the vectors is read from
the files of the model folder, so that a name is resolved without the ten seconds that importing the library takes.
Only modules of the library itself are run: a folder that brings code of its own is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from encoders.errors import EncodeFailed, UnknownModel, WeightsMissing
from encoders.family import Family, ModelSpec, Runtime
from encoders.model_source import ModelSource, locate_source
from encoders.protocols import ForwardPasses, Vectors
from encoders.transformers_folder import (
    EXAMPLES,
    demand_package,
    find_model_folder,
    of_folders,
    read_json,
    without_progress_bars,
)

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_LIBRARY = "sentence_transformers"
_MODULES = frozenset({"Transformer", "Pooling", "Dense", "LayerNorm", "Dropout", "Normalize"})
_POOLING = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
"""How a folder of the library before version 5.4 says it, in the order in which several are concatenated."""
_UNLIMITED_TOKENS = 10**9
"""What tokenizers write for no limit is some number far above this."""


class SentenceTransformerSpec(ModelSpec):
    """A chain of modules from text to vector, and the prompts that queries and documents are given."""

    describe: ClassVar[str] = "Sentence vectors from a model of the library sentence-transformers; see its model card."

    role: Literal["text"] = "text"
    family: Literal["sentence_transformers"] = "sentence_transformers"
    model: str
    """The kind of the network, such as `bert`: said by its files, so that a folder may be renamed."""
    weights: ModelSource
    modules: tuple[str, ...]
    max_tokens: int | None
    """What lies beyond is not read; None where the network sets no limit."""
    pooling: tuple[str, ...]
    """Several are concatenated."""
    normalisation: Literal["l2"] = "l2"
    query_prompt: str
    document_prompt: str
    dim: int
    precision: Literal["float32"] = "float32"

    @property
    def slug(self) -> str:
        """The readable part of the version."""
        return f"sentence-transformers-{self.model}-{self.dim}"


class SentenceTransformerEncoder:
    """A loaded sentence encoder: both sides of the text space. One thread at a time."""

    def __init__(self, spec: SentenceTransformerSpec, *, batch: int = 64) -> None:
        demand_package(_LIBRARY)
        self._spec = spec
        self._batch = batch
        self._network = _open_network(spec)
        self._texts = 0

    @property
    def spec(self) -> SentenceTransformerSpec:
        """What it was loaded from."""
        return self._spec

    @property
    def forward_passes(self) -> ForwardPasses:
        """Texts pushed through the network since loading."""
        return ForwardPasses(texts=self._texts)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of queries, float32 `(n, dim)`."""
        return self._embed(partial(self._network.encode_query, prompt=self._spec.query_prompt), texts)

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of documents, float32 `(n, dim)`. What lies beyond `max_tokens` is not read."""
        return self._embed(partial(self._network.encode_document, prompt=self._spec.document_prompt), texts)

    def _embed(self, encode: Callable[..., Any], texts: Sequence[str]) -> Vectors:
        for index, text in enumerate(texts):
            if not text.strip():
                raise EncodeFailed("an empty text has no vector.", where=f"text {index}", remedy="Leave it out.")
        if not texts:
            return np.empty((0, self._spec.dim), dtype=np.float32)
        vectors = encode(list(texts), batch_size=self._batch, normalize_embeddings=True, show_progress_bar=False)
        self._texts += len(texts)
        return np.asarray(vectors, dtype=np.float32)


def _open_network(spec: SentenceTransformerSpec) -> SentenceTransformer:
    import torch
    from sentence_transformers import SentenceTransformer

    folder = locate_source(spec.weights)
    try:
        with without_progress_bars():
            network: SentenceTransformer = SentenceTransformer(
                str(folder), local_files_only=True, trust_remote_code=False, model_kwargs={"dtype": torch.float32}
            )
    except Exception as error:  # each kind of network and tokenizer fails in its own way
        raise WeightsMissing(
            f"the library {_LIBRARY} cannot load this model ({type(error).__name__}: {str(error)[:300]}).",
            where=str(folder),
            remedy="Install the version of the library that the model was saved with, or choose another model.",
        ) from error
    if spec.max_tokens is not None:
        network.max_seq_length = spec.max_tokens
    found = network.get_embedding_dimension()
    if found != spec.dim:
        raise WeightsMissing(
            f"the network gives vectors of {found} dimensions, its files say {spec.dim}.",
            where=str(folder),
            remedy="The folder is damaged or of an unknown form: fetch it again, or choose another model.",
        )
    return network


def resolve_sentence_transformer(model: str) -> SentenceTransformerSpec:
    """The spec of a model of a hub, `<organisation>/<name>[@<revision>]`, or of a folder, `@<folder>`.

    Raises:
        UnknownModel: No such name; or a model made of modules that are not known here.
        WeightsMissing: The library is not installed, there is no such folder, or the hub cannot be reached.
    """
    demand_package(_LIBRARY)
    found = find_model_folder(model, more=("*_Dense/pytorch_model.bin",))
    try:
        return _described(model, found, locate_source(found))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WeightsMissing(
            f"the files of the model do not describe a sentence encoder ({type(error).__name__}: {error}).",
            where=model,
            remedy="Save the model with a current version of sentence-transformers.",
        ) from error


def _described(model: str, found: ModelSource, folder: Path) -> SentenceTransformerSpec:
    modules = read_json(folder / "modules.json")
    kinds = tuple(_kind(module["type"], model) for module in modules)
    if kinds[:1] != ("Transformer",) or "Pooling" not in kinds:
        raise UnknownModel("the model is no transformer with a pooling after it.", where=model, remedy=_CHOOSE)
    places = {module["path"]: kind for module, kind in zip(modules, kinds, strict=True)}
    top = modules[0]["path"]
    config = read_json(folder / top / "config.json")
    settings = read_json(folder / "config_sentence_transformers.json", required=False)
    pooling = read_json(folder / _place_of("Pooling", places) / "config.json")
    prompts = settings.get("prompts") or {}
    return SentenceTransformerSpec(
        model=config["model_type"],
        weights=of_folders(found, {"", *places}),
        modules=kinds,
        max_tokens=_max_tokens(folder / top, config),
        pooling=_poolings(pooling),
        query_prompt=_prompt(prompts, "query"),
        document_prompt=_prompt(prompts, "document", "passage", "corpus"),
        dim=_dim(folder, places, pooling, settings.get("truncate_dim")),
    )


_CHOOSE = f"Known modules: {', '.join(sorted(_MODULES))}; choose a model that is made of them."


def _kind(type_name: str, model: str) -> str:
    package, kind = type_name.partition(".")[0], type_name.rpartition(".")[2]
    if package != _LIBRARY or kind not in _MODULES:
        raise UnknownModel(f"the model has a module {type_name}, which is not run here.", where=model, remedy=_CHOOSE)
    return kind


def _place_of(kind: str, places: Mapping[str, str]) -> str:
    return next(place for place, found in places.items() if found == kind)


def _max_tokens(folder: Path, config: Mapping[str, Any]) -> int | None:
    """As the library decides it: its own setting first, else the lower of the tokenizer's and the network's."""
    own = read_json(folder / "sentence_bert_config.json", required=False).get("max_seq_length")
    if own is not None:
        return int(own)
    tokenizer = read_json(folder / "tokenizer_config.json", required=False)
    limits = [tokenizer.get("model_max_length"), config.get("max_position_embeddings")]
    return min((int(limit) for limit in limits if limit is not None and 0 < limit < _UNLIMITED_TOKENS), default=None)


def _poolings(config: Mapping[str, Any]) -> tuple[str, ...]:
    modern = config.get("pooling_mode")
    if modern is not None:
        return (modern,) if isinstance(modern, str) else tuple(modern)
    return tuple(name for key, name in _POOLING.items() if config.get(key)) or ("mean",)


def _prompt(prompts: Mapping[str, str | None], *names: str) -> str:
    return next((prompt for name in names if (prompt := prompts.get(name))), "")


def _dim(folder: Path, places: Mapping[str, str], pooling: Mapping[str, Any], truncated: int | None) -> int:
    width = pooling.get("embedding_dimension") or pooling["word_embedding_dimension"]
    dim = int(width) * len(_poolings(pooling))
    for place, kind in places.items():
        if kind == "Dense":
            dim = int(read_json(folder / place / "config.json")["out_features"])
    return min(dim, truncated) if truncated else dim


def load_sentence_transformer(spec: SentenceTransformerSpec, runtime: Runtime) -> SentenceTransformerEncoder:
    """Load the library and the network.

    Raises:
        WeightsMissing: The library or the files of the spec are not here, are others, or do not go together.
    """
    return SentenceTransformerEncoder(spec, batch=runtime.text_batch)


FAMILY = Family(
    spec=SentenceTransformerSpec,
    models=(),
    resolve=resolve_sentence_transformer,
    load=load_sentence_transformer,
    examples=EXAMPLES,
)
