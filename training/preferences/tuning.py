"""From judgements to a release with other weights: the fit, the guard, and what goes into the release's evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from kernel.progress import Progress
from lake.releases import Release, Releases
from lake.store import Lake
from quality.context import context_of
from quality.policy import PromotionPolicy
from quality.promotion import TUNED
from quality.rank_metrics import Difference, paired_difference
from retrieval import Index
from retrieval.fusion import Fusion
from retrieval.legs import LEGS, VECTOR_LEGS
from retrieval.live_release import FixedRelease
from retrieval.query_encoders import EmbedsQueries
from retrieval.warm_lake import WarmLake
from training.preferences.errors import NotTuned, TooFewJudgements
from training.preferences.fusion import BETA, Fitted, accuracy_by_query, fit_weights
from training.preferences.guard import Guard, evaluation_guard, held_out_guard
from training.preferences.judgements import JudgementLog, LoggedJudgements
from training.preferences.pairs import Pair, Question, asked, is_held_out, pairs_of
from training.preferences.places import Places, ask_legs
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
    def failed(self) -> tuple[Guard, ...]:
        """The guards that were not passed."""
        return tuple(guard for guard in self.guards if not guard.passed)

    @property
    def moved(self) -> bool:
        """Whether any weight is another."""
        return dict(self.fusion) != dict(self.live.fusion)

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
    fusion = _asked_legs(live)
    texts = {Question.of(one): one.query for one in logged.judgements}
    places = _ask(lake, live, fusion, {pair.question: texts[pair.question] for pair in pairs}, encoders, progress)
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


def release_tuned(lake: Lake, tuning: Tuning, policy: PromotionPolicy, settled: Mapping[str, float]) -> Release:
    """Makes a release of the same versions with the tuned fusion. `reelindex rollback` brings the old one back.

    Args:
        lake: Where.
        tuning: What every guard let pass.
        policy: Kept in the evidence.
        settled: The weights of the settings now: as long as they stay the same, later promotions keep the tuned ones.

    Raises:
        NotTuned: A guard failed, or no weight is another.
        ReleaseRaced: Another release was made in the meantime.
    """
    if tuning.failed:
        raise NotTuned(
            "; ".join(f"{guard.name}: {guard.message}" for guard in tuning.failed),
            where=f"release {tuning.live.release_id}",
        )
    if not tuning.moved:
        raise NotTuned("the preferences move no weight.", where=f"release {tuning.live.release_id}")
    live = tuning.live
    counts = tuning.counts
    return Releases(lake).append(
        kind="promotion",
        spaces=live.spaces,
        fusion=tuning.fusion,
        evidence={
            # The versions are the same: what was measured of them still holds.
            **{name: live.evidence[name] for name in ("gates", "waived") if name in live.evidence},
            "context": context_of(lake, live.spaces, policy),
            TUNED: tuning.to_dict() | {"settings": dict(settled)},
        },
        reason=f"fusion tuned to {counts.pairs_fitted} preferences about {counts.queries_fitted} queries",
        after=live,
    )


def _demand_enough(pairs: Sequence[Pair], why: str) -> None:
    queries = len({pair.question.query for pair in pairs})
    if len(pairs) < MIN_PAIRS or queries < MIN_QUERIES:
        raise TooFewJudgements(
            f"there are {len(pairs)} pairs of a better and a worse result, about {queries} queries; {MIN_PAIRS} about "
            f"{MIN_QUERIES} are needed.{why}",
            remedy="`reelindex judge QUERY` adds to them, `reelindex judge --file FILE` reads a CSV file in.",
        )


def _asked_legs(live: Release) -> Fusion:
    """The fusion of the legs that a search of the release asks."""
    fusion = Fusion.from_release(live.fusion)
    there = [leg for leg in LEGS if leg not in VECTOR_LEGS or leg in live.spaces]
    return fusion.of_legs(tuple(leg for leg in there if fusion.weights.get(leg)))


def _ask(
    lake: Lake,
    live: Release,
    fusion: Fusion,
    questions: Mapping[Question, str],
    encoders: EmbedsQueries,
    progress: Progress,
) -> dict[Question, Places]:
    found = {}
    with (
        Index(WarmLake(lake.folder), encoders, FixedRelease(live)) as index,
        progress.task("asking the legs", len(questions), "queries") as advance,
    ):
        for question, text in questions.items():
            found[question] = ask_legs(index, text, question.unit, fusion)
            advance(1)
    return {question: places for question, places in found.items() if places is not None}


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
