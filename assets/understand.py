"""Group `understand`: videos become segments with pictures and words."""

import dagster as dg

from assets.ingest import videos
from assets.materialised import TABLE, materialised
from assets.partitions import BUCKETS, IN_ONE_RUN
from assets.previews import label_counts, latest_documents, pictures, segment_lengths, spoken_samples
from assets.resources import LakeResource, MediaResource, ModelsResource
from kernel.progress import Progress
from lake.schema import CAPTIONS, DOCUMENTS, SCREEN_TEXTS, SEGMENTS, TRANSCRIPTS
from settings import load_settings

_MODELS = load_settings().models

PARTITIONS_WITH_PICTURES = 16


@dg.asset(
    group_name="understand",
    partitions_def=BUCKETS,
    backfill_policy=IN_ONE_RUN,
    deps=[videos],
    pool="decoder",
    kinds={"lancedb", "ffmpeg"},
    metadata={TABLE: SEGMENTS.name},
)
def segments(
    context: dg.AssetExecutionContext, lake: LakeResource, media: MediaResource, progress: dg.ResourceParam[Progress]
) -> dg.MaterializeResult:
    """The shots of every video, with the pictures that stand for them; they cover it without gap or overlap.

    **Reads** the video files, each decoded once.
    **Writes** `segments`, `keyframes` (JPEG, so that a later model needs no video) and `decodes` (what was damaged).
    **Made again** when `[segments]` in the settings changes.
    """
    from stages.segments import cut_segments

    scope = lake.scope(context.partition_keys, progress, context.run.tags)
    with media.start() as workers:
        report = cut_segments(scope, workers, media.segmenter())
    preview = segment_lengths(scope.lake)
    # Dagster keeps a copy for every partition: not of what was there before, and not hundreds.
    if report.done and len(context.partition_keys) <= PARTITIONS_WITH_PICTURES:
        preview |= pictures(scope.lake)
    return materialised(context, scope.lake, SEGMENTS.name, report, preview)


@dg.asset(
    group_name="understand",
    partitions_def=BUCKETS,
    backfill_policy=IN_ONE_RUN,
    deps=[videos],
    pool="encoder",
    kinds={"lancedb", "whisper"},
    code_version=_MODELS.transcriber,
    metadata={TABLE: TRANSCRIPTS.name},
)
def transcripts(
    context: dg.AssetExecutionContext,
    lake: LakeResource,
    media: MediaResource,
    models: ModelsResource,
    progress: dg.ResourceParam[Progress],
) -> dg.MaterializeResult:
    """What is said in every video, word by word with times.

    **Reads** the sound tracks of the video files.
    **Writes** `transcripts`, one row a video: a change in how videos are cut needs no new transcription.
    **Made again** when the transcriber changes.
    """
    from stages.transcripts import transcribe_videos

    scope = lake.scope(context.partition_keys, progress, context.run.tags)
    with media.start() as workers:
        report = transcribe_videos(scope, workers, models.open(lake), lake.folders.scratch)
    return materialised(context, scope.lake, TRANSCRIPTS.name, report, spoken_samples(scope.lake))


@dg.asset(
    group_name="understand",
    partitions_def=BUCKETS,
    backfill_policy=IN_ONE_RUN,
    deps=[segments],
    pool="encoder",
    kinds={"lancedb", "pytorch"},
    code_version=_MODELS.captioner,
    metadata={TABLE: CAPTIONS.name},
)
def captions(
    context: dg.AssetExecutionContext, lake: LakeResource, models: ModelsResource, progress: dg.ResourceParam[Progress]
) -> dg.MaterializeResult:
    """What the captioner sees in every segment's pictures.

    **Reads** the pictures in `keyframes`; no video is opened.
    **Writes** `captions`, with a score for every label.
    **Made again** for a segment whose pictures changed, and for all when the captioner changes.
    """
    from stages.captions import caption_segments

    scope = lake.scope(context.partition_keys, progress, context.run.tags)
    report = caption_segments(scope, models.open(lake))
    return materialised(context, scope.lake, CAPTIONS.name, report, label_counts(scope.lake))


@dg.asset(
    group_name="understand",
    partitions_def=BUCKETS,
    backfill_policy=IN_ONE_RUN,
    deps=[segments],
    pool="encoder",
    kinds={"lancedb", "onnx"},
    code_version=_MODELS.reader,
    metadata={TABLE: SCREEN_TEXTS.name},
)
def screen_texts(
    context: dg.AssetExecutionContext, lake: LakeResource, models: ModelsResource, progress: dg.ResourceParam[Progress]
) -> dg.MaterializeResult:
    """What can be read on every segment's pictures; nothing where the settings name no reader.

    **Reads** the pictures in `keyframes`; no video is opened.
    **Writes** `screen_texts`.
    **Made again** for a segment whose pictures changed, and for all when the reader changes; removed with the reader.
    """
    from stages.screen_texts import read_screen_texts

    scope = lake.scope(context.partition_keys, progress, context.run.tags)
    report = read_screen_texts(scope, models.open(lake))
    return materialised(context, scope.lake, SCREEN_TEXTS.name, report)


@dg.asset(
    group_name="understand",
    partitions_def=BUCKETS,
    backfill_policy=IN_ONE_RUN,
    deps=[segments, transcripts, captions, screen_texts],
    kinds={"lancedb"},
    metadata={TABLE: DOCUMENTS.name},
)
def documents(
    context: dg.AssetExecutionContext, lake: LakeResource, progress: dg.ResourceParam[Progress]
) -> dg.MaterializeResult:
    """The words of every segment: its caption, what is said while it lasts, and what can be read in it.

    **Reads** `segments`, `captions`, `transcripts` and `screen_texts`.
    **Writes** `documents`, which full-text search and the text vectors are made from.
    **Made again** for a segment whose caption, transcript or screen text says something else than before.
    """
    from stages.documents import write_documents

    scope = lake.scope(context.partition_keys, progress, context.run.tags)
    report = write_documents(scope)
    return materialised(context, scope.lake, DOCUMENTS.name, report, latest_documents(scope.lake))
