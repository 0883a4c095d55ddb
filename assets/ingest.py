"""Group `ingest`: files become videos."""

from pathlib import Path

import dagster as dg
from pydantic import Field

from assets.materialised import TABLE, materialised
from assets.partitions import BUCKETS, IN_ONE_RUN
from assets.previews import latest_videos
from assets.resources import LakeResource, MediaResource
from kernel.progress import Progress
from lake.schema import VIDEOS


class Paths(dg.Config):
    """What to scan. Empty: the folders that the settings watch."""

    paths: list[str] = Field(default=[], description="Files and folders; none means the watched folders.")


@dg.asset(
    group_name="ingest",
    partitions_def=BUCKETS,
    backfill_policy=IN_ONE_RUN,
    pool="decoder",
    kinds={"lancedb", "ffmpeg"},
    code_version="container-1",
    metadata={TABLE: VIDEOS.name},
)
def videos(
    context: dg.AssetExecutionContext,
    config: Paths,
    lake: LakeResource,
    media: MediaResource,
    progress: dg.ResourceParam[Progress],
) -> dg.MaterializeResult:
    """Every video that was found, named by its bytes, with what its container says of it.

    **Reads** the folders that a run is given, or else those that the settings watch.
    **Writes** `files` (every place where a video lies) and `videos` (one row a content, however many copies).
    A file that is gone is marked, and its video kept; a file that is no video is set aside with the reason.
    """
    from stages.files import scan
    from stages.videos import probe_videos

    scope = lake.scope(context.partition_keys, progress, context.run.tags)
    found = scan(scope, [Path(path) for path in config.paths] or [Path(folder) for folder in media.watch])
    with media.start() as workers:
        report = probe_videos(scope, workers)
    scanned = {
        "files_read": dg.MetadataValue.int(found.read),
        "files_unchanged": dg.MetadataValue.int(found.unchanged),
        "files_gone": dg.MetadataValue.int(found.gone),
        "files_ignored": dg.MetadataValue.json(found.ignored),
        "files_unreadable": dg.MetadataValue.json(list(found.unreadable)),
    }
    return materialised(context, scope.lake, VIDEOS.name, report, {**scanned, **latest_videos(scope.lake)})
