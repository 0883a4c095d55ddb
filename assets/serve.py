"""Group `serve`: what search reads."""

import dagster as dg

from assets.embed import text_vectors, visual_vectors
from assets.materialised import TABLE
from assets.previews import present_indexes
from assets.release_page import check_results, decision_page
from assets.resources import LakeResource, ModelsResource, PromotionResource, WordsResource
from kernel.progress import Progress
from lake.schema import RELEASES, SPACES
from quality.candidate_gates import CANDIDATE_GATES
from quality.gates import FIRST_RELEASE_GATES


def _first_line(text: str | None) -> str:
    return (text or "").partition("\n")[0]


GATE_CHECKS = [
    dg.AssetCheckSpec(
        f"{space}_{gate.__name__}",
        asset="release",
        # Not Dagster's `blocking`, which would fail the whole run: the release itself is what a gate holds back.
        description=f"Space `{space}`: {_first_line(gate.__doc__)} A version goes live only if this holds.",
    )
    for space in SPACES
    for gate in (*FIRST_RELEASE_GATES, *CANDIDATE_GATES)
]


@dg.asset(group_name="serve", deps=[visual_vectors, text_vectors], kinds={"lancedb"})
def indexes(lake: LakeResource, words: WordsResource) -> dg.MaterializeResult:
    """The indexes that keep search fast, brought up to date with what was written.

    **Reads** `documents` and the vectors.
    **Writes** indexes for full text, for keys and, from 5,000 vectors on, for vectors.
    A row that is in no index yet is found too, only slower.
    """
    from retrieval.indexes import ensure_indexes

    report = ensure_indexes(lake.open(), language=words.chosen())
    return dg.MaterializeResult(
        metadata={
            "indexes_created": len(report.created),
            "created": ", ".join(report.created) or "none: all were there",
            "rows_caught_up": sum(report.caught_up.values()),
            "rows_caught_up_by_table": dg.MetadataValue.json(dict(report.caught_up)),
            **present_indexes(lake.open()),
        }
    )


@dg.asset(
    group_name="serve",
    deps=[indexes],
    kinds={"lancedb", "greatexpectations"},
    check_specs=GATE_CHECKS,
    metadata={TABLE: RELEASES.name},
)
def release(
    lake: LakeResource, models: ModelsResource, promotion: PromotionResource, progress: dg.ResourceParam[Progress]
) -> dg.MaterializeResult:
    """The versions that search reads now. A candidate takes the place of a live version when it has passed every gate.

    **Reads** the vectors of every space, what was set aside, and the queries whose answers are known.
    **Writes** `releases`, one row a release: search reads the newest, so that going live is one atomic step; and
    `evaluations`, what every gate said of every candidate.
    The gates are the checks of this asset; one that fails leaves search on the release before.
    """
    from lake.retention import retire
    from quality.promotion import decide_release

    scope = lake.scope(None, progress)
    chosen = models.open(lake)
    policy = promotion.policy()
    decision = decide_release(scope, chosen, promotion.fusion, policy, cache_dir=lake.folders.caches)
    configured = {chosen.spec(space).version for space in SPACES}
    dropped = retire(scope.lake, keep_retired=policy.keep_retired, configured=configured) if decision.made else []
    return dg.MaterializeResult(
        metadata=decision_page(decision, dropped),
        check_results=check_results(decision.gates),
    )
