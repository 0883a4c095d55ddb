"""What a head finds among items that it was not trained on: each number with the interval it lies in.

Recall@K, mean reciprocal rank and nDCG (Järvelin & Kekäläinen 2002; with one wanted item it is 1 / log2(1 + rank)).
Intervals by percentile bootstrap over items, not over sentences: the sentences of an item succeed or fail together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from encoders.protocols import Vectors
from quality.rank_metrics import Difference, paired_difference
from training.errors import BadPairs
from training.pairs import SOURCES, Split, TrainingSet
from training.ranks import ranks_of

RESAMPLES = 2000
CONFIDENCE = 0.95
NDCG_AT = 10
Ranks: TypeAlias = NDArray[np.int64]

METRICS: Mapping[str, Callable[[Ranks], NDArray[np.float64]]] = {
    "recall@1": lambda ranks: (ranks <= 1).astype(np.float64),
    "recall@5": lambda ranks: (ranks <= 5).astype(np.float64),
    "recall@10": lambda ranks: (ranks <= 10).astype(np.float64),
    "mrr": lambda ranks: 1.0 / ranks,
    "ndcg@10": lambda ranks: np.where(ranks <= NDCG_AT, 1.0 / np.log2(1.0 + ranks), 0.0),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """A mean, and the bounds between which it lies with 95 % confidence."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was found.

    Attributes:
        items: Among how many.
        sentences: By how many.
        metrics: Sentence to item, by name.
        back: Item to sentence: the best rank of any of its own.
        strata: The same as `metrics` for parts of the sentences, by the part's name; with their number.
    """

    items: int
    sentences: int
    metrics: Mapping[str, Measured]
    back: Mapping[str, Measured]
    strata: Mapping[str, tuple[int, Mapping[str, Measured]]]

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Found:
    """Ranks on one split, before they are summed up.

    Attributes:
        ranks: Of each sentence's item, from 1, int64 `(s,)`.
        back: Of each item's best sentence, from 1, int64 `(n,)`.
        sentences: Which ones, int64 `(s,)`, ascending.
        wanted: The place of each sentence's item among the split's, int64 `(s,)`.
    """

    ranks: Ranks
    back: Ranks
    sentences: NDArray[np.int64]
    wanted: NDArray[np.int64]


def found_by(pairs: TrainingSet, split: Split, items: Vectors, sentences: Vectors) -> Found:
    """The ranks that vectors give on a split.

    Args:
        pairs: Whose.
        split: Of which.
        items: Unit vectors of its items in their order, float32 `(n, d)`.
        sentences: Unit vectors of their sentences in ascending order, float32 `(s, d)`.

    Raises:
        BadPairs: The split has no items.
    """
    item_ids = pairs.items(split)
    if not len(item_ids):
        raise BadPairs(f"the split '{split}' is empty: nothing can be measured.", remedy="Gather more videos.")
    chosen = pairs.sentences_of(item_ids)
    wanted = np.searchsorted(item_ids, pairs.item_of[chosen]).astype(np.int64)
    return Found(ranks_of(sentences, items, wanted), _best_back(sentences, items, wanted), chosen, wanted)


def found_by_tower(pairs: TrainingSet, split: Split) -> Found:
    """The ranks that the tower itself gives: what a head has to beat."""
    chosen = pairs.items(split)
    sentences = np.asarray(pairs.sentences[pairs.sentences_of(chosen)], dtype=np.float32)
    return found_by(pairs, split, pairs.pooled_vectors()[chosen], sentences)


def evaluate(pairs: TrainingSet, found: Found, *, seed: int = 0) -> Evaluation:
    """Sum up ranks; the same for the same ranks and seed."""
    strata = {
        name: (int(part.sum()), _measured(found.ranks[part], found.wanted[part], seed))
        for name, part in _strata(pairs, found).items()
        if 0 < part.sum() < len(part)
    }
    items = len(found.back)
    return Evaluation(
        items=items,
        sentences=len(found.ranks),
        metrics=_measured(found.ranks, found.wanted, seed),
        back=_measured(found.back, np.arange(items), seed),
        strata=strata,
    )


def gains(head: Found, tower: Found) -> dict[str, Difference]:
    """How much higher each metric is for the head, by paired bootstrap over items, with 90 % intervals."""
    items = len(head.back)
    return {
        name: paired_difference(
            _by_item(metric(head.ranks), head.wanted, items), _by_item(metric(tower.ranks), tower.wanted, items)
        )
        for name, metric in METRICS.items()
    }


def _best_back(sentences: Vectors, items: Vectors, wanted: NDArray[np.int64]) -> Ranks:
    ranks = np.empty(len(items), dtype=np.int64)
    for item, vector in enumerate(items):
        scores = sentences @ vector
        ranks[item] = (scores > scores[wanted == item].max()).sum() + 1
    return ranks


def _strata(pairs: TrainingSet, found: Found) -> dict[str, NDArray[np.bool_]]:
    sources = pairs.source[found.sentences]
    parts = {f"source {name}": sources == number for number, name in enumerate(SOURCES)}
    lengths = np.array([len(pairs.texts[sentence].split()) for sentence in found.sentences])
    short, long = np.quantile(lengths, [1 / 3, 2 / 3])
    parts |= {
        f"up to {short:.0f} words": lengths <= short,
        f"more than {long:.0f} words": lengths > long,
    }
    several = pairs.counts[pairs.item_of[found.sentences]] > 1
    return parts | {"one picture": ~several, "several pictures": several}


def _measured(ranks: Ranks, owner: NDArray[np.int64], seed: int) -> dict[str, Measured]:
    return {name: _interval(metric(ranks), owner, seed) for name, metric in METRICS.items()}


def _interval(values: NDArray[np.float64], owner: NDArray[np.int64], seed: int) -> Measured:
    _, place = np.unique(owner, return_inverse=True)
    sums, counts = np.bincount(place, values), np.bincount(place)
    random = np.random.default_rng(seed)
    means = np.empty(RESAMPLES)
    for number in range(RESAMPLES):
        drawn = random.integers(0, len(sums), len(sums))
        means[number] = sums[drawn].sum() / counts[drawn].sum()
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Measured(float(values.mean()), float(low), float(high))


def _by_item(values: NDArray[np.float64], owner: NDArray[np.int64], items: int) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = np.bincount(owner, values, items) / np.bincount(owner, minlength=items)
    return mean
