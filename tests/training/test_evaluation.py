"""Numbers with intervals that cover the truth, parts that are not mixed up, and leaks that are found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.training.synthetic import synthetic
from training.errors import BadPairs
from training.evaluation import Found, evaluate, found_by, found_by_tower, gains
from training.leakage import near_duplicates, without_leaks
from training.pairs import SOURCES, TrainingSet
from training.robustness import disturbed_queries


def _perfect(pairs: TrainingSet) -> Found:
    items = pairs.items("test")
    random = np.random.default_rng(0)
    vectors = random.normal(size=(len(items), 64)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    wanted = np.searchsorted(items, pairs.item_of[pairs.sentences_of(items)])
    return found_by(pairs, "test", vectors, vectors[wanted])


def test_a_perfect_head_and_one_that_guesses() -> None:
    pairs = synthetic(1000)
    perfect = evaluate(pairs, _perfect(pairs))
    assert {(m.mean, m.low, m.high) for m in (*perfect.metrics.values(), *perfect.back.values())} == {(1.0, 1.0, 1.0)}

    items = pairs.items("test")
    random = np.random.default_rng(1)
    guessed = found_by(
        pairs,
        "test",
        random.normal(size=(len(items), 8)).astype(np.float32),
        random.normal(size=(2 * len(items), 8)).astype(np.float32),
    )
    chance = evaluate(pairs, guessed).metrics["recall@10"]
    assert chance.low <= 10 / len(items) <= chance.high


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """Items succeed or fail whole: an interval over sentences would be far too narrow, and miss."""
    pairs = synthetic(2000, sentences_each=5)
    items = len(pairs.items("test"))
    wanted = np.repeat(np.arange(items), 5)
    covered = 0
    for trial in range(40):
        hit = np.random.default_rng(trial).random(items) < 0.4
        ranks = np.where(np.repeat(hit, 5), 1, 50)
        found = Found(ranks, np.ones(items, dtype=np.int64), pairs.sentences_of(pairs.items("test")), wanted)
        measured = evaluate(pairs, found).metrics["recall@1"]
        covered += measured.low <= 0.4 <= measured.high
    assert covered >= 34


def test_metrics_of_known_ranks() -> None:
    pairs = synthetic(100, sentences_each=1)
    items = pairs.items("test")[:4]
    chosen = replace(pairs, split=np.where(np.isin(np.arange(100), items), 2, 0).astype(np.int8))
    ranks = np.array([1, 3, 10, 11])
    found = Found(ranks, ranks, chosen.sentences_of(items), np.arange(4))
    metrics = evaluate(chosen, found).metrics
    assert metrics["recall@1"].mean == 0.25
    assert metrics["recall@5"].mean == 0.5
    assert metrics["recall@10"].mean == 0.75
    assert metrics["mrr"].mean == pytest.approx((1 + 1 / 3 + 0.1 + 1 / 11) / 4)
    assert metrics["ndcg@10"].mean == pytest.approx((1 + 0.5 + 1 / np.log2(11)) / 4)


def test_parts_are_told_apart() -> None:
    pairs = synthetic(1000, sentences_each=2)
    source = np.where(np.arange(2000) % 2, SOURCES.index("transcript"), SOURCES.index("caption")).astype(np.int8)
    mixed = replace(pairs, source=source)
    found = _perfect(mixed)
    spoken = mixed.source[found.sentences] == SOURCES.index("transcript")
    worse = replace(found, ranks=np.where(spoken, 7, 1))
    strata = evaluate(mixed, worse).strata
    assert strata["source caption"][1]["recall@5"].mean == 1.0
    assert strata["source transcript"][1]["recall@5"].mean == 0.0
    assert strata["source transcript"][0] == spoken.sum()
    assert "source csv" not in strata


def test_what_is_gained_is_told_with_its_bounds() -> None:
    pairs = synthetic(1000)
    tower = found_by_tower(pairs, "test")
    gained = gains(_perfect(pairs), tower)
    before = evaluate(pairs, tower).metrics
    for name, difference in gained.items():
        assert difference.mean == pytest.approx(1 - before[name].mean)
        assert 0 < difference.low <= difference.mean <= difference.high


def test_an_empty_split_is_an_error_not_a_number() -> None:
    pairs = synthetic(100).with_split(np.zeros(100, dtype=np.int8))
    with pytest.raises(BadPairs, match="the split 'test' is empty"):
        found_by_tower(pairs, "test")


def test_planted_leaks_are_found_and_moved_into_training() -> None:
    pairs = synthetic(400, groups=[f"video-{number // 4}" for number in range(400)])
    assert near_duplicates(pairs).near == 0
    features, texts = pairs.features.copy(), list(pairs.texts)
    leaked, seen = pairs.items("test")[5], pairs.items("train")[9]
    features[leaked] = features[seen] + 1e-3
    texts[2 * leaked] = texts[2 * seen].upper() + "."
    planted = replace(pairs, features=features, texts=tuple(texts))
    leakage = near_duplicates(planted)
    assert (leakage.near, leakage.same_sentences) == (1, 1)
    assert leakage.examples[0][:2] == (pairs.names[leaked], pairs.names[seen])
    clean = without_leaks(planted, leakage)
    assert near_duplicates(clean).near == 0
    moved = [number for number in range(400) if clean.split[number] != planted.split[number]]
    assert {planted.groups[number] for number in moved} == {planted.groups[leaked]}


def test_disturbed_queries_are_asked_again() -> None:
    pairs = synthetic(600)
    items = pairs.items("test")
    vectors = pairs.pooled_vectors()[items]
    found = found_by_tower(pairs, "test")
    place = {pairs.texts[sentence]: pairs.sentences[sentence] for sentence in found.sentences}
    nowhere = np.zeros(pairs.sentences.shape[1], dtype=np.float32)

    def embed(texts: list[str]) -> np.ndarray:
        return np.stack([place.get(text, nowhere) for text in texts])

    rows = {row.name: row for row in disturbed_queries(pairs, found, vectors, embed)}
    assert rows["as written"].lost_at_10 == 0
    assert rows["as written"].recall_at_10 > rows["capitals"].recall_at_10 == 0
    assert rows["capitals"].lost_at_10 == rows["as written"].recall_at_10
