"""The layers that are trained, and their way out: folded, so that inference needs none of the training's parts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from copy import deepcopy
from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn.functional import normalize

from encoders.vocabulary import Vocabulary, words_in
from training.pairs import TrainingSet
from training.recipe import LinearHead, Recipe, ResidualHead, Words

START_TEMPERATURE = 0.07
MAX_SCALE = 100.0
_SPREAD_MIN = 1e-3


class TrainableHead(nn.Module):
    """Pictures and sentences of a tower to one space.

    Args:
        recipe: Its layers and their regularisation.
        mean: Of the features over the training pictures, float32 `(f,)`.
        spread: Their standard deviation, float32 `(f,)`.
        dim: Of the tower's vectors.
        vocabulary: The words that get vectors of their own.
    """

    mean: torch.Tensor
    spread: torch.Tensor
    share: torch.Tensor

    def __init__(
        self, recipe: Recipe, mean: torch.Tensor, spread: torch.Tensor, dim: int, vocabulary: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self.vocabulary = Vocabulary(vocabulary)
        self.register_buffer("mean", mean)
        self.register_buffer("share", torch.zeros(()))
        self.register_buffer("spread", spread.clamp(min=_SPREAD_MIN))
        widths = [len(mean), dim] if isinstance(recipe.head, LinearHead) else [len(mean), recipe.head.hidden, dim]
        self.layers = nn.ModuleList(nn.Linear(width, next_width) for width, next_width in pairwise(widths))
        self.dropout = nn.Dropout(recipe.dropout)
        self.gain = nn.Parameter(torch.ones(())) if isinstance(recipe.head, ResidualHead) else None
        self.sentence = nn.Linear(dim, dim)
        with torch.no_grad():
            # What the sentence tower knows is where it begins: half of the quality on small data comes from this.
            self.sentence.weight.copy_(torch.eye(dim))
            self.sentence.bias.zero_()
        self.sentence.requires_grad_(recipe.sentence_map)
        self.words: nn.Embedding | None = (
            nn.Embedding(len(self.vocabulary) + 1, dim, padding_idx=0) if vocabulary else None
        )
        self.word_dropout = recipe.words.dropout if recipe.words else 0.0
        if self.words is not None:
            nn.init.zeros_(self.words.weight)
        self.attention = nn.Parameter(torch.zeros(len(mean))) if recipe.attention else None
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / START_TEMPERATURE)))
        self.bias = nn.Parameter(torch.tensor(-10.0 if recipe.objective.kind == "siglip" else 0.0))

    @property
    def scale(self) -> torch.Tensor:
        """The inverse temperature."""
        return self.log_scale.exp().clamp(max=MAX_SCALE)

    def place_pictures(self, features: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        """Unit vectors of pictures, `(p, dim)`, from features `(p, f)` and the tower's vectors `(p, d)`."""
        return self._beside(normalize(self.picture_rows(features, vectors), dim=1), vectors)

    def picture_rows(self, features: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        """`place_pictures` before the vectors are brought to unit length."""
        rows = (features - self.mean) / self.spread
        for number, layer in enumerate(self.layers):
            rows = layer(self.dropout(nn.functional.gelu(rows) if number else rows))
        if self.gain is not None:
            rows = rows + self.gain * vectors
        return rows

    def place_items(self, features: torch.Tensor, vectors: torch.Tensor, owner: torch.Tensor) -> torch.Tensor:
        """Unit vectors of items: their pictures pooled.

        Args:
            features: `(p, f)`.
            vectors: `(p, dim)`.
            owner: The item of each picture, ascending from 0, int64 `(p,)`.
        """
        rows = self.place_pictures(features, vectors)
        items = int(owner[-1]) + 1
        if items == len(rows):
            return rows
        if self.attention is not None:
            scores = ((features - self.mean) / self.spread) @ self.attention
            highest = torch.full((items,), -math.inf).scatter_reduce(0, owner, scores.detach(), "amax")
            rows = rows * (scores - highest[owner]).exp()[:, None]
        # A sum does for the mean: the length is lost in the next line, and with it any factor of an item.
        return normalize(torch.zeros(items, rows.shape[1]).index_add(0, owner, rows), dim=1)

    def place_sentences(self, sentences: torch.Tensor, texts: Sequence[str]) -> torch.Tensor:
        """Unit vectors of sentences, `(s, dim)`, from the tower's own and their words."""
        return self._beside(normalize(self.sentence_rows(sentences, texts), dim=1), sentences)

    @property
    def dim(self) -> int:
        """Of its vectors: twice the tower's where the tower's own stand beside them."""
        return self.sentence.out_features * (2 if self.share > 0 else 1)

    def copied(self) -> TrainableHead:
        """One with tensors of its own."""
        return deepcopy(self)

    def _beside(self, rows: torch.Tensor, old: torch.Tensor) -> torch.Tensor:
        """The tower's vectors beside the head's, so that a cosine is the sum of both, the tower's by its share."""
        if not self.share > 0:
            return rows
        return torch.cat([rows, self.share.sqrt() * normalize(old, dim=1)], dim=1) / (1 + self.share).sqrt()

    def sentence_rows(self, sentences: torch.Tensor, texts: Sequence[str]) -> torch.Tensor:
        """`place_sentences` before the vectors are brought to unit length."""
        rows: torch.Tensor = self.sentence(sentences)
        if self.words is not None:
            known = torch.from_numpy(self.vocabulary.rows_of(texts))
            if self.training:
                known = known * (torch.rand(known.shape) >= self.word_dropout)
            rows = rows + self.words(known).sum(1) / (known > 0).sum(1, keepdim=True).clamp(min=1).sqrt()
        return rows

    def exported(self) -> dict[str, torch.Tensor]:
        """The tensors of `encoders.adapter.Head`: the features' normalisation folded into the first layer."""
        state = self.state_dict()
        tensors = {
            name.replace("layers.", "picture."): value for name, value in state.items() if name.startswith("layers.")
        }
        tensors["picture.0.weight"] = tensors["picture.0.weight"] / self.spread
        tensors["picture.0.bias"] = tensors["picture.0.bias"] - tensors["picture.0.weight"] @ self.mean
        kept = {"sentence.weight", "sentence.bias", "words.weight"}
        tensors |= {name: value for name, value in state.items() if name in kept}
        if self.share > 0:
            tensors["tower.share"] = state["share"]
        if self.gain is not None:
            tensors["base.gain"] = state["gain"]
        if self.attention is not None:
            tensors["attention.weight"] = state["attention"] / self.spread
        return tensors


def new_head(recipe: Recipe, pairs: TrainingSet) -> TrainableHead:
    """An untrained head whose draws come from the recipe's seed; its normalisation is that of the training pictures."""
    torch.manual_seed(recipe.seed)
    in_training = np.repeat(pairs.split == 0, pairs.counts)
    # In float64 over chunks: the features may be a map of more than memory holds.
    total = np.zeros(pairs.features.shape[1])
    squares = np.zeros_like(total)
    for start in range(0, len(in_training), 16_384):
        rows = np.asarray(pairs.features[start : start + 16_384], dtype=np.float64)[in_training[start : start + 16_384]]
        total += rows.sum(0)
        squares += (rows * rows).sum(0)
    count = int(in_training.sum())
    mean = total / count
    spread = np.sqrt(np.maximum(squares / count - mean**2, 0.0))
    return TrainableHead(
        recipe,
        torch.from_numpy(mean).float(),
        torch.from_numpy(spread).float(),
        pairs.sentences.shape[1],
        frequent_words(pairs, recipe.words) if recipe.words else (),
    )


def frequent_words(pairs: TrainingSet, settings: Words) -> tuple[str, ...]:
    """The words of the training sentences that get vectors of their own: the most frequent first, then by letter."""
    counts: Counter[str] = Counter()
    for sentence in pairs.sentences_of(pairs.items("train")):
        counts.update(set(words_in(pairs.texts[sentence])))
    frequent = [word for word, count in counts.items() if count >= settings.min_count]
    return tuple(sorted(frequent, key=lambda word: (-counts[word], word))[: settings.most])
