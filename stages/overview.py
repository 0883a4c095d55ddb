"""All plans at once: what is missing in a lake, told without loading a model or opening a video."""

from __future__ import annotations

from lake.planning import Plan
from lake.releases import Release
from lake.schema import SPACES
from media.spec import SegmenterSpec
from stages.captions import plan_captions
from stages.documents import VERSION as DOCUMENTS_VERSION
from stages.documents import plan_documents
from stages.models import Models
from stages.scope import Scope
from stages.screen_texts import plan_screen_texts, version_of_reader
from stages.segments import plan_segments
from stages.transcripts import plan_transcripts
from stages.vectors import plan_vectors, stage_name
from stages.videos import VERSION as VIDEOS_VERSION
from stages.videos import plan_videos

Plans = dict[tuple[str, str], Plan]
"""The plan of every stage and version, in the order in which the stages run."""


def plan_all(scope: Scope, models: Models, segmenter: SegmenterSpec) -> Plans:
    """Plans every stage from what the lake holds now.

    A stage's plan counts only the inputs that are there: while an earlier stage has work left, later ones will grow.
    """
    plans: Plans = {
        ("videos", VIDEOS_VERSION): plan_videos(scope),
        ("segments", segmenter.version): plan_segments(scope, segmenter),
    }
    transcriber, captioner = models.spec("transcriber"), models.spec("captioner")
    plans["transcripts", transcriber.version] = plan_transcripts(scope, transcriber)
    plans["captions", captioner.version] = plan_captions(scope, captioner)
    reader = models.spec("reader") if models.has("reader") else None
    plans["screen_texts", version_of_reader(reader)] = plan_screen_texts(scope, reader)
    plans["documents", DOCUMENTS_VERSION] = plan_documents(scope)
    for space in SPACES:
        for spec in models.wanted(space):
            plans[stage_name(space), spec.version] = plan_vectors(scope, space, spec)
    return plans


def subjects_of_an_ingest(plans: Plans, live: Release | None) -> set[str]:
    """The subjects that an ingest works on: what has no value yet, and whatever the live release lacks.

    Before the first release that is everything.
    """
    subjects: set[str] = set()
    spaces = {stage_name(space): version for space, version in live.spaces.items()} if live else {}  # type: ignore[arg-type]
    for (stage, version), plan in plans.items():
        if live is None or spaces.get(stage) == version or stage == "documents":
            subjects.update(plan.todo, plan.orphaned)
        elif stage not in spaces:
            subjects.update(plan.new)
    return subjects
