"""The resources, built from the settings."""

from __future__ import annotations

import json
from typing import Any

from assets.resources import (
    LakeResource,
    LoggedProgress,
    MediaResource,
    ModelsResource,
    PromotionResource,
    ReportsResource,
    TrainingResource,
    WordsResource,
)
from kernel.progress import Progress
from settings import Home, Settings


def build_resources(settings: Settings, home: Home, progress: Progress | None = None) -> dict[str, Any]:
    """What every asset may ask for, by name."""
    return {
        "lake": LakeResource(home=str(home.folder), max_attempts=settings.ingest.max_attempts),
        "media": MediaResource(
            watch=[str(folder) for folder in settings.ingest.watch],
            workers=settings.media.workers,
            stall_timeout_s=settings.media.stall_timeout_s,
            memory_limit_mb=settings.media.memory_limit_mb,
            adaptive_threshold=settings.segments.adaptive_threshold,
            min_scene_len_s=settings.segments.min_scene_len_s,
            max_segment_s=settings.segments.max_segment_s,
        ),
        "models": ModelsResource(**settings.models.references()),
        "promotion": PromotionResource(
            **settings.promotion.model_dump(exclude={"evaluation"}),
            evaluation=str(settings.promotion.evaluation or ""),
            fusion=settings.search.fusion(),
        ),
        "words": WordsResource(language=settings.search.language),
        "training": TrainingResource(
            name=settings.training.name,
            tower=settings.training.tower,
            pairs=str(settings.training.pairs or ""),
            teacher=settings.training.teacher,
            recipe_json=json.dumps(settings.training.recipe, sort_keys=True),
        ),
        "reports": ReportsResource(port=settings.reports.port),
        "progress": progress or LoggedProgress(),
    }
