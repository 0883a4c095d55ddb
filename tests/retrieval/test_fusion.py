"""Fusion by ranks and by scores: the formulas, and what must hold whatever the legs found."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from retrieval.errors import BadFusion
from retrieval.fusion import Fusion, by_ranks, fuse

LEGS = ("caption", "transcript", "visual", "text")
RANKS = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 200), max_size=8)
RANKINGS = st.fixed_dictionaries(dict.fromkeys(LEGS, RANKS))
WEIGHTS = st.fixed_dictionaries({leg: st.floats(0, 10) for leg in LEGS})


Rankings = dict[str, dict[str, int]]


def _fused(rankings: Rankings, weights: dict[str, float]) -> list[tuple[str, float]]:
    return fuse(by_ranks(rankings, 60), weights)


def test_the_formula_of_the_paper() -> None:
    fused = _fused({"caption": {"a": 1, "b": 2}, "visual": {"b": 1}}, {"caption": 1.0, "visual": 2.0})
    assert fused == [("b", math.fsum([1 / 62, 2 / 61])), ("a", 1 / 61)]


@given(RANKINGS, WEIGHTS, st.permutations(LEGS))
def test_the_order_of_the_legs_changes_nothing(
    rankings: dict[str, dict[str, int]], weights: dict[str, float], order: list[str]
) -> None:
    shuffled = {leg: dict(reversed(rankings[leg].items())) for leg in order}
    assert _fused(shuffled, weights) == _fused(rankings, weights)


@given(RANKINGS, WEIGHTS, st.sampled_from(LEGS), st.data())
def test_a_better_rank_never_costs_a_place(
    rankings: dict[str, dict[str, int]], weights: dict[str, float], leg: str, data: st.DataObject
) -> None:
    assume(rankings[leg])
    subject = data.draw(st.sampled_from(sorted(rankings[leg])))
    better = {**rankings, leg: {**rankings[leg], subject: data.draw(st.integers(1, rankings[leg][subject]))}}
    before, after = _fused(rankings, weights), _fused(better, weights)
    if weights[leg]:
        assert dict(after)[subject] >= dict(before)[subject]
        assert [name for name, _ in after].index(subject) <= [name for name, _ in before].index(subject)
    else:
        assert after == before


@given(RANKINGS, WEIGHTS, st.sampled_from(LEGS))
def test_weight_zero_is_an_absent_leg(rankings: dict[str, dict[str, int]], weights: dict[str, float], leg: str) -> None:
    without = {name: ranks for name, ranks in rankings.items() if name != leg}
    assert _fused(rankings, {**weights, leg: 0.0}) == _fused(without, weights)


@given(RANKINGS, WEIGHTS)
def test_best_first_and_ties_by_name(rankings: dict[str, dict[str, int]], weights: dict[str, float]) -> None:
    fused = _fused(rankings, weights)
    assert fused == sorted(fused, key=lambda scored: (-scored[1], scored[0]))
    assert len({name for name, _ in fused}) == len(fused)


def test_a_leg_that_the_release_does_not_name_has_no_part() -> None:
    fusion = Fusion.from_release({"k": 10, "caption": 2})
    assert (fusion.k, fusion.weights) == (10.0, {"caption": 2.0})
    assert fuse(by_ranks({"caption": {"a": 1}, "audio": {"b": 1}}, 10), fusion.weights) == [("a", 2 / 11)]


def test_a_release_without_a_constant_fuses_scores() -> None:
    fusion = Fusion.from_release({"context": 0.3, "caption": 2})
    assert (fusion.k, fusion.context, fusion.weights) == (None, 0.3, {"caption": 2.0})


def test_shares_are_weighed_and_added() -> None:
    shares = {"visual": {"a": 2.0, "b": 3.5}, "text": {"a": 4.0}}
    assert fuse(shares, {"visual": 1.0, "text": 0.5}) == [("a", 4.0), ("b", 3.5)]


def test_a_leg_asked_for_by_name_counts() -> None:
    fusion = Fusion(60, {"caption": 2.0, "visual": 0.0}).of_legs(("caption", "visual", "text"))
    assert fusion.weights == {"caption": 2.0, "visual": 1.0, "text": 1.0}


@pytest.mark.parametrize(
    "mapping", [{"k": -1}, {"caption": -0.5}, {"text": math.nan}, {"visual": math.inf}, {"context": 1.5}]
)
def test_weights_that_ranks_cannot_be_fused_with(mapping: dict[str, float]) -> None:
    with pytest.raises(BadFusion, match=f"fusion.{next(iter(mapping))}"):
        Fusion.from_release(mapping)
