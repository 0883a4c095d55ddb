"""Judgements to pairs: this result rather than that one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from kernel.identity import fingerprint
from training.preferences.judgements import Judgement, Unit
from training.preferences.propensity import Propensity

HELD_OUT_SHARE = 0.3


def asked(text: str) -> str:
    """A query as it is compared with others: without regard to case and spaces."""
    return " ".join(text.casefold().split())


def is_held_out(query: str) -> bool:
    """Whether the preferences of a query are kept from the fit: by its words alone, so that it is so in every fit."""
    return int(fingerprint([asked(query)])[:8], 16) < HELD_OUT_SHARE * 16**8


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, as `asked` has it, and whether whole videos or segments were compared."""

    query: str
    unit: Unit

    @classmethod
    def of(cls, judgement: Judgement) -> Question:
        """What a judgement is about."""
        return cls(asked(judgement.query), judgement.unit)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two results to one question, the better one first; `weight` is what the preference counts."""

    question: Question
    preferred: str
    rejected: str
    weight: float


def pairs_of(judgements: Sequence[Judgement], propensity: Propensity) -> list[Pair]:
    """Every preference as pairs, in the order of the judgements.

    What was said: each good result rather than each that was rejected. Who judges the same two results again corrects
    himself: the last word counts, once. What was clicked: each click rather than every result of the list that was not,
    weighted against the bias of its place, every time. A preference for a result is one voice, divided among the
    results that it is preferred to.

    Results below a click count too. To compare it only with those above that were skipped (Joachims 2002) needs no
    weights, but no such pair ever speaks for the order that was shown: what is learnt from them turns a good ranking
    over. With the weights, comparing with the whole list is unbiased (Joachims, Swaminathan & Schnabel 2017).
    """
    pairs = [*_last_words(judgements)]
    for judgement in judgements:
        if judgement.kind == "click":
            question, rejected = Question.of(judgement), judgement.rejected or judgement.passed_over
            for item in dict.fromkeys(judgement.chosen):
                weight = propensity.weight(judgement, item) / max(len(rejected), 1)
                pairs += [Pair(question, item, other, weight) for other in rejected]
    return pairs


def _last_words(judgements: Sequence[Judgement]) -> list[Pair]:
    said: dict[tuple[Question, frozenset[str]], tuple[Question, str, str]] = {}
    for judgement in judgements:
        if judgement.kind == "judgement":
            question = Question.of(judgement)
            for item in judgement.chosen:
                for other in judgement.rejected:
                    said[question, frozenset((item, other))] = question, item, other
    rivals = Counter((question, item) for question, item, _ in said.values())
    return [Pair(question, item, other, 1 / rivals[question, item]) for question, item, other in said.values()]
