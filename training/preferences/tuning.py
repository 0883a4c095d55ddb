"""From judgements to a release with other weights: the fit, the guard, and what goes into the release's evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from kernel.progress import Progress
from lake.releases import Release, Releases
from lake.store import Lake
from quality.policy import PromotionPolicy
from quality.rank_metrics import Difference, paired_difference
from retrieval.query_encoders import EmbedsQueries
from training.preferences.errors import TooFewJudgements
from training.preferences.fusion import BETA, Fitted, accuracy_by_query, fit_weights
from training.preferences.guard import Guard, evaluation_guard, held_out_guard
from training.preferences.judgements import JudgementLog, LoggedJudgements
from training.preferences.pairs import Pair, Question, asked, is_held_out, pairs_of
from training.preferences.places import Places, ask_questions, asked_legs
from training.preferences.propensity import Propensity, estimate_propensity

MIN_PAIRS = 20
MIN_QUERIES = 10


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there was to learn from.

    Attributes:
        judgements: Entries of the log; `cut_short` lines of it are not whole.
        queries_fitted, queries_held_out: Different queries with usable pairs.
        pairs_fitted, pairs_held_out: Usable pairs.
        out_of_reach: Pairs of which the legs do not find both results now, so that no weights could order them.
    """

    judgements: int
    cut_short: int
    queries_fitted: int
    queries_held_out: int
    pairs_fitted: int
    pairs_held_out: int
    out_of_reach: int


@dataclass(frozen=True, slots=True)
class Tuning:
    """A fusion that people's preferences speak for, and whether it may go live.

    Attributes:
        live: The release that it was tuned from, and would follow.
        fusion: The weights and `k` of a release with it; the released ones where nothing moved.
        beta: How tightly it was tied to the released weights.
        counts, propensity, fitted: What was learnt from, under which model of attention, with which result.
        accuracy: The mean share of a held-out query's pairs that are in the right order under the tuned weights, with
            its 90 % interval; None where none were held out.
        guards: The verdicts.
    """

    live: Release
    fusion: Mapping[str, float]
    beta: float
    counts: Counts
    propensity: Propensity
    fitted: Fitted
    accuracy: Difference | None
    guards: tuple[Guard, ...]

    @property
    def reason(self) -> str:
        """Why its release would be made, for people."""
        counts = self.counts
        return f"fusion tuned to {counts.pairs_fitted} preferences about {counts.queries_fitted} queries"

    def to_dict(self) -> dict[str, Any]:
        """Plain values: the contract of `tune --json`, and the evidence of a release."""
        return {
            "release": self.live.release_id,
            "before": dict(self.live.fusion),
            "after": dict(self.fusion),
            "beta": self.beta,
            "counts": asdict(self.counts),
            "propensity": asdict(self.propensity),
            "loss": {"before": self.fitted.loss_before, "after": self.fitted.loss_after},
            "divergence": self.fitted.divergence,
            "held_out_accuracy": self.accuracy and asdict(self.accuracy),
            "guards": [guard.to_dict() for guard in self.guards],
        }


def tune(
    lake: Lake, policy: PromotionPolicy, encoders: EmbedsQueries, progress: Progress, *, beta: float = BETA
) -> Tuning:
    """Fits the live release's weights to the lake's judgements, and asks the guards. Nothing is changed.

    Legs without a weight stay without one, and `k` stays.

    Args:
        lake: With a release and judgements.
        policy: Names the known answers and how much may be lost on them.
        encoders: Of queries.
        progress: Told of every query that is asked.
        beta: How tightly the weights are tied to those released.

    Raises:
        NoRelease: Nothing has been released.
        BadJudgements: A line of the log is no judgement.
        TooFewJudgements: There are fewer than 20 usable pairs or 10 different queries, or none to fit.
        RetrievalError, EncoderError, LakeError: The live release cannot be searched.
    """
    live = Releases(lake).live()
    logged = JudgementLog(lake).read()
    propensity = estimate_propensity(logged.judgements)
    pairs = pairs_of(logged.judgements, propensity)
    _demand_enough(pairs, "")
    fusion = asked_legs(live)
    texts = {Question.of(one): one.query for one in logged.judgements}
    places = ask_questions(
        lake, live, fusion, {pair.question: texts[pair.question] for pair in pairs}, encoders, progress
    )
    usable = [pair for pair in pairs if _is_within_reach(pair, places)]
    _demand_enough(usable, f" Of {len(pairs)} pairs, those were left of which the legs find both results.")
    fitted_on = [pair for pair in usable if not is_held_out(pair.question.query)]
    held_out = [pair for pair in usable if is_held_out(pair.question.query)]
    if not fitted_on:
        raise TooFewJudgements("all judged queries are held out, so there is nothing to fit.", remedy="Judge others.")
    fitted = fit_weights(fitted_on, places, fusion.weights, beta)
    tuned = {**live.fusion, **fitted.weights}
    was, now = (accuracy_by_query(held_out, places, one) for one in (fusion.weights, fitted.weights))
    judged = {asked(one.query) for one in logged.judgements}
    guards = (
        held_out_guard(was, now),
        evaluation_guard(lake, (live, replace(live, fusion=tuned)), policy, judged, encoders, progress),
    )
    shares = np.array(list(now.values()))
    return Tuning(
        live=live,
        fusion=tuned,
        beta=beta,
        counts=_counts(logged, pairs, fitted_on, held_out),
        propensity=propensity,
        fitted=fitted,
        accuracy=paired_difference(shares, np.zeros(len(shares))) if len(shares) else None,
        guards=guards,
    )


def _demand_enough(pairs: Sequence[Pair], why: str) -> None:
    queries = len({pair.question.query for pair in pairs})
    if len(pairs) < MIN_PAIRS or queries < MIN_QUERIES:
        raise TooFewJudgements(
            f"there are {len(pairs)} pairs of a better and a worse result, about {queries} queries; {MIN_PAIRS} about "
            f"{MIN_QUERIES} are needed.{why}",
            remedy="`reelindex judge QUERY` adds to them, `reelindex judge --file FILE` reads a CSV file in.",
        )


def _is_within_reach(pair: Pair, places: Mapping[Question, Places]) -> bool:
    there = places.get(pair.question)
    return there is not None and pair.preferred in there.items and pair.rejected in there.items


def _counts(
    logged: LoggedJudgements, pairs: Sequence[Pair], fitted: Sequence[Pair], held_out: Sequence[Pair]
) -> Counts:
    return Counts(
        judgements=len(logged.judgements),
        cut_short=logged.cut_short,
        queries_fitted=len({pair.question.query for pair in fitted}),
        queries_held_out=len({pair.question.query for pair in held_out}),
        pairs_fitted=len(fitted),
        pairs_held_out=len(held_out),
        out_of_reach=len(pairs) - len(fitted) - len(held_out),
    )
