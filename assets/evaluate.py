"""Group `evaluate`: whether what comes in is still what the models and the thresholds were chosen for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.embed import text_vectors, visual_vectors
from assets.materialised import TABLE
from assets.pictured_videos import PicturedVideos
from assets.resources import LakeResource, ModelsResource, PromotionResource, ReportsResource
from assets.retrieval_page import failure_results, quality_page
from assets.robustness_page import robustness_page
from assets.serve import release
from kernel.progress import Progress
from lake.schema import DRIFT_REFERENCES, RETRIEVAL_QUALITY, ROBUSTNESS, SPACES
from quality.retrieval.failure_modes import FAILURE_MODES

if TYPE_CHECKING:
    from lake.store import Lake
    from quality.across_versions import AcrossVersions
    from quality.drift.look import Look

_WARN = dg.AssetCheckSeverity.WARN
PAGES = "drift"
"""The folder of Evidently's pages among the reports."""

MEASUREMENTS_DRAWN = 12

FAILURE_CHECKS = [
    dg.AssetCheckSpec(name, asset="retrieval_quality", description=f"{says} A warning.")
    for name, says in FAILURE_MODES.items()
]

DRIFT_CHECKS = [
    check
    for space in SPACES
    for check in (
        dg.AssetCheckSpec(
            f"{space}_vectors",
            asset="drift",
            description=(
                f"Space `{space}`: the newest videos lie where the reference lies. An error if two methods deny it, "
                "each above what one random split of the reference in twenty exceeds; a warning if one does, above "
                "what no split exceeds."
            ),
        ),
        dg.AssetCheckSpec(
            f"{space}_quantities",
            asset="drift",
            description=(
                f"Space `{space}`: similarity to the centre, duration, share of speech, languages and labels are "
                "what they were. A warning: one false alarm in a hundred looks."
            ),
        ),
    )
]


@dg.asset(
    group_name="evaluate",
    deps=[visual_vectors, text_vectors],
    kinds={"evidently"},
    check_specs=DRIFT_CHECKS,
    metadata={TABLE: DRIFT_REFERENCES.name},
)
def drift(lake: LakeResource, reports: ReportsResource, progress: dg.ResourceParam[Progress]) -> dg.MaterializeResult:
    """Whether the newest videos are like those that were there before, seen through the versions that are searched.

    **Reads** the vectors of the live release, captions, transcripts and durations; one mean vector a video.
    **Writes** `drift_references`, the moment that divides earlier from later videos, with the thresholds that were
    measured between random parts of the earlier ones; and a page by Evidently for each space.
    """
    from lake.releases import Releases
    from quality.drift.look import look

    opened = lake.open()
    live = Releases(opened).find_live()
    looks = []
    for space, version in sorted(live.spaces.items()) if live else ():
        page = reports.folder_of(lake, PAGES) / f"{space}.html"
        looks.append(look(opened, space, version, page, progress))  # type: ignore[arg-type]
    metadata: dict[str, Any] = {"release": live.release_id if live else "none yet: there is nothing to compare"}
    for one in looks:
        metadata |= _page(opened, one, reports)
    return dg.MaterializeResult(metadata=metadata, check_results=_results(looks, reports))


@dg.asset(group_name="evaluate", deps=[visual_vectors, text_vectors], kinds={"lancedb"})
def embedding_profile(lake: LakeResource, models: ModelsResource) -> dg.MaterializeResult:
    """What a change of version changes: who is near whom, in the version that is searched and in its candidate.

    **Reads** the vectors that both versions have, made from the same input; where there is no candidate, those of the
    version that was live before.
    **Writes** nothing: two versions are two spaces, whose distributions cannot be compared; their neighbours can.
    """
    from quality.across_versions import compare_versions, versions_to_compare

    opened, chosen = lake.open(), models.open(lake)
    metadata: dict[str, Any] = {}
    for space in SPACES:
        pair = versions_to_compare(opened, space, chosen.spec(space).version)
        found = compare_versions(opened, space, *pair) if pair else None
        metadata |= _profile(opened, found) if found else {space: "There are no two versions with shared segments."}
    return dg.MaterializeResult(metadata=metadata)


@dg.asset(
    group_name="evaluate",
    deps=[visual_vectors, text_vectors],
    kinds={"torch"},
    metadata={TABLE: ROBUSTNESS.name},
)
def robustness(
    lake: LakeResource, models: ModelsResource, progress: dg.ResourceParam[Progress]
) -> dg.MaterializeResult:
    """How far vectors, and what they find, move when pictures and queries are not as they should be.

    **Reads** the keyframes, captions and transcripts of a few dozen segments, blurs, compresses, crops, darkens,
    misspells and rephrases them, and embeds them again in the configured version and in the live one.
    **Writes** `robustness`, a row a version: it is measured again when it has twice as many vectors.
    """
    from lake.robustness import RobustnessMeasured
    from quality.robustness.measure import STORED_LEAST, measure_robustness

    scope, chosen = lake.scope(None, progress), models.open(lake)
    metadata: dict[str, Any] = {}
    for space in SPACES:
        configured, *live = chosen.wanted(space)
        for spec in live:
            measure_robustness(scope, chosen, space, spec)
        found = measure_robustness(scope, chosen, space, configured)
        others = [one for one in RobustnessMeasured(scope.lake).all(space) if one.version != configured.version]
        unmeasured = f"Not measured: fewer than {STORED_LEAST} vectors, or nothing to disturb."
        metadata |= robustness_page(found, others) if found else {str(space): unmeasured}
    return dg.MaterializeResult(metadata=metadata)


@dg.asset(
    group_name="evaluate",
    deps=[release],
    kinds={"lancedb"},
    check_specs=FAILURE_CHECKS,
    metadata={TABLE: RETRIEVAL_QUALITY.name},
)
def retrieval_quality(
    lake: LakeResource, promotion: PromotionResource, progress: dg.ResourceParam[Progress]
) -> dg.MaterializeResult:
    """Whether people find what they look for: recall, nDCG and reciprocal rank of the live release, leg by leg.

    **Reads** the queries whose answers are known (`promotion.evaluation`); where there are none, words that are said
    and captions, drawn from the corpus. **Writes** `retrieval_quality`, a row a release and state of the corpus. The
    checks are the ways in which search by vectors is known to fail.
    """
    from lake.releases import Releases
    from lake.retrieval_quality import RetrievalMeasured
    from quality.retrieval.measure import measure_quality
    from quality.retrieval.questions import questions_of
    from retrieval.query_encoders import QueryEncoders

    opened = lake.open()
    live = Releases(opened).find_live()
    questions = questions_of(opened, promotion.policy().evaluation)
    if live is None or not questions.asked:
        unasked = "nothing is released." if live is None else f"no question of {questions.source} can be asked."
        results = failure_results((), tuple(FAILURE_MODES), unasked)
        return dg.MaterializeResult(metadata={"not_measured": unasked}, check_results=results)
    encoders = QueryEncoders(opened, cache_dir=lake.folders.caches)
    found = measure_quality(opened, live, questions, encoders, progress)
    before = [one for one in RetrievalMeasured(opened).all() if one.source == found.source]
    return dg.MaterializeResult(
        metadata=quality_page(found, before[-MEASUREMENTS_DRAWN:], questions),
        check_results=failure_results(found.failure_modes, tuple(FAILURE_MODES), ""),
    )


def _profile(lake: "Lake", found: "AcrossVersions") -> dict[str, Any]:
    videos = PicturedVideos(lake, [one.video_id for one in found.moved])
    lines = ["| video | neighbours that stayed | segments | picture |", "|---|---|---|---|"]
    lines += [
        f"| {videos.name(one.video_id)} | {one.overlap:.0%} | {one.segments} | {videos.pictures(one.video_id)} |"
        for one in found.moved
    ]
    told = (
        f"Of the {found.neighbours} nearest segments of other videos, {found.overlap:.0%} are the same in "
        f"{found.before} and {found.after}; between unrelated spaces it would be {found.overlap_by_chance:.0%}."
    )
    shown: dict[str, Any] = {
        "what_changes": told,
        "segments": found.segments,
        "neighbour_overlap": dg.MetadataValue.float(found.overlap),
        "rank_correlation": dg.MetadataValue.float(found.rank_correlation),
        "moved_most": dg.MetadataValue.md("\n".join(lines)),
    }
    return {f"{found.space}_{name}": value for name, value in shown.items()}


def _page(lake: "Lake", one: "Look", reports: ReportsResource) -> dict[str, Any]:
    """The numbers of a look, as floating point: Dagster draws those over time."""
    shown: dict[str, Any] = {
        f"{one.space}_what_was_seen": one.message,
        f"{one.space}_reference_videos": one.sides.references,
        f"{one.space}_later_videos": one.sides.later,
    }
    if one.verdict.scores is None or one.verdict.thresholds is None:
        return shown
    found, limits = one.verdict.scores, one.verdict.thresholds
    numbers = {"auc": found.auc, "auc_limit": limits.auc, "mmd": found.mmd, "mmd_limit": limits.mmd}
    shown |= {f"{one.space}_{name}": dg.MetadataValue.float(value) for name, value in numbers.items()}
    shown[f"{one.space}_quantities"] = dg.MetadataValue.table(
        [
            dg.TableRecord(
                {
                    "quantity": each.quantity,
                    "drifted": "YES" if each.has_drifted else "no",
                    "p_value": float(f"{each.p_value:.2g}"),
                    "level": each.level,
                    "before": each.reference,
                    "now": each.current,
                }
            )
            for each in one.quantities
        ]
    )
    shown[f"{one.space}_most_novel"] = dg.MetadataValue.md(most_novel(lake, one))
    shown[f"{one.space}_page"] = dg.MetadataValue.url(reports.url(f"{PAGES}/{one.space}.html"))
    return shown


def most_novel(lake: "Lake", one: "Look") -> str:
    """The current videos that are least like anything before, each beside what it is most like, with pictures."""
    videos = PicturedVideos(lake, [video_id for mover in one.movers for video_id in (mover.video_id, mover.nearest)])
    lines = ["| video | novelty | most like | picture, and that of what it is most like |", "|---|---|---|---|"]
    for mover in one.movers:
        names = [videos.name(each) for each in (mover.video_id, mover.nearest)]
        pictures = videos.pictures(mover.video_id, mover.nearest)
        lines.append(f"| {names[0]} | {mover.novelty:.3f} | {names[1]} | {pictures} |")
    return "\n".join(lines)


def _results(looks: Sequence["Look"], reports: ReportsResource) -> list[dg.AssetCheckResult]:
    """One result for every check: Dagster demands all of them."""
    by_space = {one.space: one for one in looks}
    results = []
    for space in SPACES:
        one = by_space.get(space)
        if one is None:
            unasked = "Not asked: nothing of this space is released."
            results += [
                dg.AssetCheckResult(check_name=f"{space}_{name}", passed=True, severity=_WARN, description=unasked)
                for name in ("vectors", "quantities")
            ]
            continue
        results += [_of_vectors(one, reports), _of_quantities(one)]
    return results


def _of_vectors(one: "Look", reports: ReportsResource) -> dg.AssetCheckResult:
    from quality.drift.verdict import Drift

    metadata: dict[str, Any] = {"version": one.version, "reference_until": one.until.isoformat(timespec="minutes")}
    if one.verdict.scores is not None and one.verdict.thresholds is not None:
        found, limits = one.verdict.scores, one.verdict.thresholds
        metadata |= {
            "auc": dg.MetadataValue.float(found.auc),
            "auc_limit": dg.MetadataValue.float(limits.auc),
            "mmd": dg.MetadataValue.float(found.mmd),
            "mmd_limit": dg.MetadataValue.float(limits.mmd),
            "limits_measured_on": f"{limits.splits} splits of {limits.reference + limits.current} videos",
            "page": dg.MetadataValue.url(reports.url(f"{PAGES}/{one.space}.html")),
        }
    both = one.verdict.drift is Drift.BOTH_METHODS
    return dg.AssetCheckResult(
        check_name=f"{one.space}_vectors",
        passed=one.verdict.drift in (Drift.NONE, Drift.TOO_FEW),
        severity=dg.AssetCheckSeverity.ERROR if both else _WARN,
        description=one.message,
        metadata=metadata,
    )


def _of_quantities(one: "Look") -> dg.AssetCheckResult:
    told = [
        f"{each.quantity}: {each.reference} before, {each.current} now (p = {each.p_value:.2g})."
        for each in one.drifted
    ]
    steady = "None of them has changed." if one.quantities else one.message
    return dg.AssetCheckResult(
        check_name=f"{one.space}_quantities",
        passed=not one.drifted,
        severity=_WARN,
        description=" ".join(told) or steady,
        metadata={each.quantity: dg.MetadataValue.float(each.p_value) for each in one.quantities},
    )
