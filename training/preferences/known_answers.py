"""Weights fitted to queries whose answers are known, and measured on videos that they were not fitted to.

Cross-validation by video (Stone 1974): the queries of a fifth of the videos are kept out of each of five fits and
ranked by what was fitted to the others. What is proposed is then fitted to all of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kernel.identity import fingerprint
from kernel.progress import Progress
from lake.releases import Release, Releases
from lake.store import Lake
from quality.evaluation_set import COLUMNS, KnownQuery, read_evaluation_set
from quality.policy import PromotionPolicy
from quality.rank_metrics import paired_difference, reciprocal_ranks
from retrieval.query_encoders import EmbedsQueries
from training.preferences.errors import TooFewJudgements
from training.preferences.fusion import BETA, Fitted, fit_weights
from training.preferences.guard import Guard
from training.preferences.objective import Floats
from training.preferences.pairs import Pair, Question, asked
from training.preferences.places import Places, ask_questions, asked_legs

FOLDS = 5
RIVALS = 20
"""Of the videos that are found, the first ones that the wanted one is preferred to."""
MIN_QUERIES = 20
MIN_VIDEOS = 2 * FOLDS
CROSS_VALIDATED = "cross_validated"


@dataclass(frozen=True, slots=True)
class KnownTuning:
    """A fusion that known answers speak for, and whether it may go live.

    Attributes:
        live: The release that it was tuned from, and would follow.
        fusion: Of a release with it; the released one where nothing moved.
        beta: How tightly it was tied to the released weights.
        queries, videos: How many it was fitted to.
        out_of_reach: Queries whose video no leg finds now, so that no weights could help.
        fitted: The result of the last fit, to all of them.
        guards: One verdict, by cross-validation.
    """

    live: Release
    fusion: Mapping[str, float]
    beta: float
    queries: int
    videos: int
    out_of_reach: int
    fitted: Fitted
    guards: tuple[Guard, ...]

    @property
    def reason(self) -> str:
        """Why its release would be made, for people."""
        return f"fusion tuned to the known answers of {self.queries} queries about {self.videos} videos"

    def to_dict(self) -> dict[str, Any]:
        """Plain values: the contract of `tune --known --json`, and the evidence of a release."""
        return {
            "release": self.live.release_id,
            "before": dict(self.live.fusion),
            "after": dict(self.fusion),
            "beta": self.beta,
            "queries": self.queries,
            "videos": self.videos,
            "out_of_reach": self.out_of_reach,
            "fitted": asdict(self.fitted),
            "guards": [guard.to_dict() for guard in self.guards],
        }


def tune_to_known(
    lake: Lake, policy: PromotionPolicy, encoders: EmbedsQueries, progress: Progress, *, beta: float = BETA
) -> KnownTuning:
    """Fits the live release's weights to the queries of `policy.evaluation`. Nothing is changed.

    Raises:
        NoRelease: Nothing has been released.
        BadEvaluationSet: The file of known answers cannot be used.
        TooFewJudgements: There is no file, or it has fewer than 20 queries or 10 videos that the legs find.
        RetrievalError, EncoderError, LakeError: The live release cannot be searched.
    """
    live = Releases(lake).live()
    fusion = asked_legs(live)
    known = () if policy.evaluation is None else read_evaluation_set(policy.evaluation, lake).queries
    texts = {_question(query): query.text for query in known}
    places = ask_questions(lake, live, fusion, texts, encoders, progress)
    usable = [query for query in known if _is_found(query, places)]
    _demand_enough(usable, policy)
    before, after = cross_validated(usable, places, fusion.weights, beta)
    fitted = fit_weights(pairs_of_known(usable, places, fusion.weights), places, fusion.weights, beta)
    return KnownTuning(
        live=live,
        fusion={**live.fusion, **fitted.weights},
        beta=beta,
        queries=len(usable),
        videos=len({query.video_id for query in usable}),
        out_of_reach=len(known) - len(usable),
        fitted=fitted,
        guards=(_guard(before, after, policy),),
    )


def cross_validated(
    known: Sequence[KnownQuery], places: Mapping[Question, Places], released: Mapping[str, float], beta: float
) -> tuple[Floats, Floats]:
    """The reciprocal rank of every query, float64 `(n,)`: by the released weights, and by those fitted without it."""
    folds = _folds(known)
    fitted = [
        fit_weights(pairs_of_known([one for one in known if folds[one.video_id] != fold], places, released),
                    places, released, beta).weights
        for fold in range(FOLDS)
    ]  # fmt: skip
    before = [_rank(query, places, released) for query in known]
    after = [_rank(query, places, fitted[folds[query.video_id]]) for query in known]
    return reciprocal_ranks(before), reciprocal_ranks(after)


def pairs_of_known(
    known: Sequence[KnownQuery], places: Mapping[Question, Places], released: Mapping[str, float]
) -> list[Pair]:
    """The wanted video of each query rather than each that stands high without being wanted; one voice a query."""
    weights = np.array(list(released.values()))
    wanted: dict[Question, set[str]] = defaultdict(set)
    for query in known:
        wanted[_question(query)].add(query.video_id)
    pairs = []
    for query in known:
        question = _question(query)
        there = places[question]
        order = np.argsort(-there.scores(weights), kind="stable")
        rivals = [there.items[place] for place in order if there.items[place] not in wanted[question]][:RIVALS]
        pairs += [Pair(question, query.video_id, rival, 1 / len(rivals)) for rival in rivals]
    return pairs


def _folds(known: Sequence[KnownQuery]) -> dict[str, int]:
    """By video: all queries of one are kept out together, or what was learnt of them would be asked again."""
    videos = sorted({query.video_id for query in known}, key=lambda video_id: fingerprint(["fold", video_id]))
    return {video_id: place % FOLDS for place, video_id in enumerate(videos)}


def _rank(query: KnownQuery, places: Mapping[Question, Places], weights: Mapping[str, float]) -> int:
    there = places[_question(query)]
    scores = there.scores(np.array(list(weights.values())))
    return 1 + int((scores > scores[there.items.index(query.video_id)]).sum())


def _question(query: KnownQuery) -> Question:
    return Question(asked(query.text), "video")


def _is_found(query: KnownQuery, places: Mapping[Question, Places]) -> bool:
    there = places.get(_question(query))
    return there is not None and query.video_id in there.items and len(there.items) > 1


def _demand_enough(usable: Sequence[KnownQuery], policy: PromotionPolicy) -> None:
    videos = len({query.video_id for query in usable})
    if len(usable) < MIN_QUERIES or videos < MIN_VIDEOS:
        raise TooFewJudgements(
            f"there are {len(usable)} queries about {videos} videos that a leg finds; {MIN_QUERIES} about {MIN_VIDEOS} "
            "are needed.",
            where=str(policy.evaluation or "promotion.evaluation in reelindex.toml"),
            remedy=f"Name a CSV file with the columns {','.join(COLUMNS)} there, or add queries to it.",
        )


def _guard(before: Floats, after: Floats, policy: PromotionPolicy) -> Guard:
    difference = paired_difference(after, before)
    allowed = -policy.max_quality_loss
    message = (
        f"mean reciprocal rank {after.mean():.3f}, {before.mean():.3f} before, of {len(before)} queries ranked by what "
        f"was fitted to other videos; the difference must be above 0, and is above {difference.low:+.3f} with 95 % "
        f"confidence, where {allowed:+.3f} is allowed."
    )
    passed = difference.mean > 0 and difference.low >= allowed
    return Guard(
        CROSS_VALIDATED, passed, len(before), float(before.mean()), float(after.mean()), difference, allowed, message
    )
