"""The Dagster code location."""

from __future__ import annotations

import dagster as dg

from assets.embed import text_vectors, visual_vectors
from assets.evaluate import drift, embedding_profile, retrieval_quality, robustness
from assets.expectations import expectations
from assets.explore import sql_export
from assets.ingest import videos
from assets.serve import indexes, release
from assets.train import adapter_evaluation, trained_adapter, training_set
from assets.understand import captions, documents, screen_texts, segments, transcripts
from kernel.progress import Progress
from orchestration.alerts.sensors import failed_checks, failed_runs
from orchestration.backfill.sensor import coverage
from orchestration.jobs import backfill_job, export_job, ingest_job, promotion_job, quality_job, training_job
from orchestration.resources import build_resources
from orchestration.schedules import schedules
from orchestration.sensors import new_files
from settings import Home, Settings, load_settings


def build_definitions(settings: Settings, home: Home, progress: Progress | None = None) -> dg.Definitions:
    """Everything that Dagster shows and runs. Steps run in the run's own process: models are loaded once a run."""
    return dg.Definitions(
        assets=[
            videos,
            segments,
            transcripts,
            captions,
            screen_texts,
            documents,
            visual_vectors,
            text_vectors,
            indexes,
            release,
            drift,
            embedding_profile,
            robustness,
            retrieval_quality,
            sql_export,
            training_set,
            trained_adapter,
            adapter_evaluation,
        ],
        asset_checks=[expectations],
        jobs=[ingest_job, backfill_job, promotion_job, export_job, training_job, quality_job],
        schedules=schedules(settings),
        sensors=[new_files, coverage, failed_runs, failed_checks],
        resources=build_resources(settings, home, progress),
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The definitions that a code server loads."""
    return build_definitions(load_settings(), Home.find())
