"""Weights from preferences: right gradients, planted weights found, a tether that holds, clicks corrected."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.preferences.fusion import accuracy_by_query, fit_weights
from training.preferences.guard import held_out_guard
from training.preferences.judgements import Judgement, Shown
from training.preferences.objective import Objective
from training.preferences.pairs import Pair, Question, pairs_of
from training.preferences.places import Places
from training.preferences.propensity import DEFAULT_ETA, Propensity, estimate_propensity

LEGS = ("caption", "visual", "text")
RELEASED = {"caption": 1.0, "visual": 1.0, "text": 1.0}
TRUE = np.array([0.2, 3.0, 0.5])


def _places(random: np.random.Generator, items: int = 12) -> Places:
    ranks = np.stack([random.permutation(items) + 1 for _ in LEGS], axis=1)
    shares = np.where(random.random(ranks.shape) < 0.85, 1 / (10 + ranks), 0.0)
    return Places(tuple(f"v{item:02}" for item in range(items)), np.arange(items), shares)


def _world(queries: int, seed: int = 0) -> tuple[list[Pair], dict[Question, Places]]:
    """People who prefer what `TRUE` puts higher, and say so of a few pairs of each question."""
    random = np.random.default_rng(seed)
    pairs, places = [], {}
    for number in range(queries):
        question = Question(f"query {number}", "video")
        places[question] = _places(random)
        scores = places[question].scores(TRUE)
        for _ in range(4):
            one, other = random.choice(len(scores), 2, replace=False)
            better, worse = (one, other) if scores[one] > scores[other] else (other, one)
            pairs.append(Pair(question, places[question].items[better], places[question].items[worse], 1.0))
    return pairs, places


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000))
def test_gradients_are_those_of_finite_differences(seed: int) -> None:
    pairs, places = _world(5, seed)
    objective = Objective.of(pairs, places, np.ones(3))
    random = np.random.default_rng(seed)
    old = objective.scores(np.ones(3))[0] * 30
    logits = old + random.normal(size=len(old))
    for function in (objective.preference, lambda at: objective.divergence(at, old)):
        _, gradient = function(logits)
        for place in random.integers(0, len(logits), 3):
            step = np.zeros(len(logits))
            step[place] = 1e-5
            slope = (function(logits + step)[0] - function(logits - step)[0]) / 2e-5
            assert gradient[place] == pytest.approx(slope, abs=1e-6)
    assert objective.divergence(old, old)[0] == pytest.approx(0, abs=1e-12)
    assert objective.divergence(logits, old)[0] > 0


def test_planted_weights_are_found_and_order_new_queries() -> None:
    pairs, places = _world(80)
    fitted = fit_weights(pairs, places, RELEASED, beta=0.0)
    assert sum(fitted.weights.values()) == pytest.approx(3, abs=1e-3)
    assert fitted.weights["visual"] > 3 * max(fitted.weights["caption"], fitted.weights["text"])
    assert fitted.loss_after < fitted.loss_before
    new, their_places = _world(40, seed=9)
    was, now = (np.mean(list(accuracy_by_query(new, their_places, w).values())) for w in (RELEASED, fitted.weights))
    assert now > was + 0.1
    assert fit_weights(pairs, places, RELEASED, beta=0.0) == fitted


def test_the_tether_holds_the_weights() -> None:
    pairs, places = _world(80)
    divergences, visual = [], []
    for beta in (0.0, 0.3, 3.0, 1e6):
        fitted = fit_weights(pairs, places, RELEASED, beta=beta)
        divergences.append(fitted.divergence)
        visual.append(fitted.weights["visual"])
    assert divergences == sorted(divergences, reverse=True)
    assert visual == sorted(visual, reverse=True)
    assert visual[-1] == pytest.approx(1.0, abs=0.01)


def _clicks(eta: float, people: int, seed: int = 0) -> list[Judgement]:
    """Lists of four in any order; who looks at a place, by its rank, clicks as likely as the result is relevant."""
    random = np.random.default_rng(seed)
    relevance = {"v0": 0.6, "v1": 0.45, "v2": 0.3, "v3": 0.15}
    lists = []
    for _ in range(people):
        # Mostly the wrong way round: the worst result stands first for most people.
        order = sorted(relevance) if random.random() < 0.2 else sorted(relevance, reverse=True)
        shown = tuple(Shown(rank, video) for rank, video in enumerate(order, start=1))
        looked = {one.video_id: random.random() < one.rank**-eta for one in shown}
        clicked = tuple(video for video in order if looked[video] and random.random() < relevance[video])
        lists.append(Judgement("a dog", chosen=clicked, shown=shown, kind="click"))
    return lists


@pytest.mark.parametrize("eta", [0.0, 0.7, 1.5])
def test_how_people_look_is_told_from_results_that_were_seen_at_several_places(eta: float) -> None:
    found = estimate_propensity(_clicks(eta, 4000))
    assert found.eta == pytest.approx(eta, abs=0.15)
    assert found.clicks > 1000


def test_few_clicks_tell_nothing() -> None:
    assert estimate_propensity(_clicks(1.5, 5)) == Propensity(DEFAULT_ETA, 0)


def _voices(judgements: Sequence[Judgement], propensity: Propensity) -> float:
    """How much is said for the best result against the worst, in all that is said about the two."""
    pairs = pairs_of(judgements, propensity)
    better = sum(pair.weight for pair in pairs if (pair.preferred, pair.rejected) == ("v0", "v3"))
    worse = sum(pair.weight for pair in pairs if (pair.preferred, pair.rejected) == ("v3", "v0"))
    return better / (better + worse)


def test_corrected_clicks_see_through_the_place_that_uncorrected_ones_follow() -> None:
    clicks = _clicks(1.0, 6000)
    naive, corrected = _voices(clicks, Propensity(eta=0.0)), _voices(clicks, estimate_propensity(clicks))
    # Everything looked at by everybody: the best is clicked and the worst not, or the other way round.
    truth = 0.6 * 0.85 / (0.6 * 0.85 + 0.15 * 0.4)
    assert abs(corrected - truth) < abs(naive - truth)
    assert naive < 0.75 < corrected


def test_the_guard_needs_held_out_queries_and_lets_none_fall() -> None:
    before = {f"q{number}": 0.5 for number in range(6)}
    assert held_out_guard(before, dict.fromkeys(before, 0.6)).passed
    assert held_out_guard(before, before).passed
    worse = held_out_guard(before, dict.fromkeys(before, 0.4))
    assert not worse.passed
    assert "40.0 % are in the right order, 50.0 % before" in worse.message
    few = held_out_guard({"q": 0.0}, {"q": 1.0})
    assert not few.passed
    assert few.before is None
