"""Group `embed`: segments become vectors, one table for each version of a model."""

import dagster as dg

from assets.materialised import TABLE, materialised
from assets.partitions import BUCKETS, IN_ONE_RUN
from assets.resources import LakeResource, ModelsResource
from assets.understand import documents, segments
from kernel.progress import Progress
from lake.schema import Space, vectors_table_name
from settings import load_settings

_MODELS = load_settings().models


@dg.asset(
    group_name="embed",
    partitions_def=BUCKETS,
    backfill_policy=IN_ONE_RUN,
    deps=[segments],
    pool="encoder",
    kinds={"lancedb", "pytorch"},
    code_version=_MODELS.visual,
    metadata={TABLE: "visual_vectors"},
)
def visual_vectors(
    context: dg.AssetExecutionContext, lake: LakeResource, models: ModelsResource, progress: dg.ResourceParam[Progress]
) -> dg.MaterializeResult:
    """How every segment looks, as a vector that words can be compared with.

    **Reads** the pictures in `keyframes`; no video is opened.
    **Writes** one table for each version of the model; search reads the one that the release names.
    **Made again** for a segment whose pictures changed, and for all of them, in a table of its own, by a new model.
    """
    return _embedded(context, lake, models, progress, "visual")


@dg.asset(
    group_name="embed",
    partitions_def=BUCKETS,
    backfill_policy=IN_ONE_RUN,
    deps=[documents],
    pool="encoder",
    kinds={"lancedb", "pytorch"},
    code_version=_MODELS.text,
    metadata={TABLE: "text_vectors"},
)
def text_vectors(
    context: dg.AssetExecutionContext, lake: LakeResource, models: ModelsResource, progress: dg.ResourceParam[Progress]
) -> dg.MaterializeResult:
    """What the words of every segment mean, as a vector.

    **Reads** `documents`; a segment without words has no vector here.
    **Writes** one table for each version of the model; search reads the one that the release names.
    **Made again** for a segment whose words changed, and for all of them, in a table of its own, by a new model.
    """
    return _embedded(context, lake, models, progress, "text")


def _embedded(
    context: dg.AssetExecutionContext, lake: LakeResource, models: ModelsResource, progress: Progress, space: Space
) -> dg.MaterializeResult:
    from stages.vectors import embed_segments

    reports = embed_segments(lake.scope(context.partition_keys, progress, context.run.tags), models.open(lake), space)
    # The configured version comes first, the live one after it where that is another.
    return materialised(context, lake.open(), vectors_table_name(space, reports[0].version), reports)
