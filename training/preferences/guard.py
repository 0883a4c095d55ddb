"""The guard against weights that please whoever judged and fail everybody else.

A fit drives up what it is measured by. Two things that it did not see must hold: the preferences that were held out,
and the known answers of queries that no preference was about.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kernel.progress import Advance, Progress
from lake.releases import Release
from lake.store import Lake
from quality.comparison import DEPTH
from quality.evaluation_set import COLUMNS, BadEvaluationSet, KnownQuery, read_evaluation_set
from quality.policy import PromotionPolicy
from quality.rank_metrics import Difference, paired_difference, rank_of, reciprocal_ranks
from quality.retrieval_gate import MIN_QUERIES
from retrieval import Index
from retrieval.live_release import FixedRelease
from retrieval.query_encoders import EmbedsQueries
from retrieval.warm_lake import WarmLake
from training.preferences.objective import Floats
from training.preferences.pairs import asked

MIN_HELD_OUT = 3
"""Queries: fewer held-out ones say nothing."""

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Guard:
    """One verdict with what it rests on.

    Attributes:
        name: `held_out` or `evaluation`.
        passed: A guard that cannot be computed is not.
        queries: How many were asked.
        before, after: The mean of the metric under the released and the tuned weights; None where nothing was measured.
        difference: Of the two, by paired bootstrap over queries.
        threshold: What `held_out` needs of the mean difference, and `evaluation` of its lower bound.
        message: In a sentence.
    """

    name: str
    passed: bool
    queries: int
    before: float | None
    after: float | None
    difference: Difference | None
    threshold: float
    message: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def held_out_guard(before: Mapping[str, float], after: Mapping[str, float]) -> Guard:
    """The preferences that were held out are met no less than before.

    Args:
        before: The share of each held-out query's pairs that the released weights put in the right order.
        after: The same under the tuned weights.
    """
    if len(before) < MIN_HELD_OUT:
        message = f"{len(before)} of the judged queries were held out; {MIN_HELD_OUT} are needed. Judge more queries."
        return Guard("held_out", False, len(before), None, None, None, 0.0, message)
    was, now = (np.array([one[query] for query in before]) for one in (before, after))
    difference = paired_difference(now, was)
    message = (
        f"of the pairs of {len(was)} held-out queries {100 * now.mean():.1f} % are in the right order, "
        f"{100 * was.mean():.1f} % before; that must not fall."
    )
    passed = difference.mean >= -_ROUNDING
    return Guard("held_out", passed, len(was), float(was.mean()), float(now.mean()), difference, 0.0, message)


def evaluation_guard(
    lake: Lake,
    releases: tuple[Release, Release],
    policy: PromotionPolicy,
    judged: Collection[str],
    encoders: EmbedsQueries,
    progress: Progress,
) -> Guard:
    """People still find what they look for with queries that nobody judged: by the mean reciprocal rank.

    Args:
        lake: Where both releases are searched.
        releases: The live one, and the one that is proposed.
        policy: Names the file of known answers and how much may be lost.
        judged: Every query that a judgement is about, as `asked` has it: these are left out.
        encoders: Of the queries, for both.
        progress: Told of every query.

    Raises:
        RetrievalError, EncoderError, LakeError: One of the releases cannot be searched.
    """
    allowed = -policy.max_quality_loss
    untouched: Sequence[KnownQuery] = ()
    problem = (
        "there are no queries with known answers, so it cannot be told whether others are harmed. Name a CSV file with "
        f"the columns {','.join(COLUMNS)} as promotion.evaluation in reelindex.toml."
    )
    if policy.evaluation is not None:
        try:
            known = read_evaluation_set(policy.evaluation, lake)
        except BadEvaluationSet as error:
            problem = str(error)
        else:
            untouched = [query for query in known.queries if asked(query.text) not in judged]
            problem = (
                f"{len(untouched)} queries of {policy.evaluation} name a video of this lake and were not judged; "
                f"{MIN_QUERIES} are needed."
            )
    if len(untouched) < MIN_QUERIES:
        return Guard("evaluation", False, len(untouched), None, None, None, allowed, problem)
    with progress.task("asking queries that nobody judged", 2 * len(untouched), "queries") as advance:
        was, now = (_reciprocal_ranks(lake, one, untouched, encoders, advance) for one in releases)
    difference = paired_difference(now, was)
    message = (
        f"mean reciprocal rank {now.mean():.3f}, {was.mean():.3f} before, over {len(was)} queries that nobody judged; "
        f"the difference is above {difference.low:+.3f} with 95 % confidence, and must be above {allowed:+.3f}."
    )
    passed = difference.low >= allowed - _ROUNDING
    return Guard("evaluation", passed, len(was), float(was.mean()), float(now.mean()), difference, allowed, message)


def _reciprocal_ranks(
    lake: Lake, release: Release, queries: Sequence[KnownQuery], encoders: EmbedsQueries, advance: Advance
) -> Floats:
    with Index(WarmLake(lake.folder), encoders, FixedRelease(release)) as index:
        answers = index.search_all([query.text for query in queries], limit=DEPTH, advance=advance)
    found = [one.video_ids([query.video_id]) for one, query in zip(answers, queries, strict=True)]
    return reciprocal_ranks([rank_of(query.video_id, one) for query, one in zip(queries, found, strict=True)])
