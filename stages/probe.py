"""How fast a model is here, found out by timing it on a few of the subjects that wait for it. Nothing is written."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from encoders.family import ModelSpec
from encoders.protocols import Captioner, ForwardPasses, LoadedModel, Reader, TextEncoder, VisualEncoder
from lake.buckets import BucketRange
from lake.keyframes import read_keyframes
from lake.schema import DOCUMENTS
from lake.store import Lake, in_list
from stages.documents import document_text
from stages.embedding import each_value

SUBJECTS = 32
PICTURE_STAGES = ("captions", "screen_texts", "visual_vectors")
PROBED_STAGES = (*PICTURE_STAGES, "text_vectors")
"""The stages whose subjects are in the lake; where videos are opened, a few subjects are no sample."""

Compute = Callable[[Sequence[Any]], Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Probed:
    """What a probe measured: segments done, and the seconds that they took once the model was warm."""

    done: int
    duration_s: float

    @property
    def per_second(self) -> float:
        """Segments in a second."""
        return self.done / self.duration_s


def probe(lake: Lake, stage: str, spec: ModelSpec, waiting: Sequence[str], *, cache_dir: Path | None) -> Probed | None:
    """Loads a model, lets it warm up on one waiting segment, and times it on up to 32 others.

    The model is not registered. It may fill its cache of derived files, as it would at its first use.

    Args:
        lake: Where the pictures and the words are.
        stage: One of `PROBED_STAGES`.
        spec: The model.
        waiting: Segments that it has not done, more than one.
        cache_dir: Where models keep derived files.

    Returns:
        None where there is too little to measure, or where the model fails on all of it.
    """
    from encoders.registry import load

    inputs = _inputs(lake, stage, _sample(stage, waiting))
    if len(inputs) < 2:
        return None
    model = load(spec, cache_dir=cache_dir)
    compute = _compute(stage, model)
    list(each_value(inputs[:1], compute))
    before = model.forward_passes
    began = time.perf_counter()
    values = [value for _, value in each_value(inputs[1:], compute)]
    duration_s = time.perf_counter() - began
    done = sum(not isinstance(value, Exception) for value in values)
    # A picture that this process has seen for another stage costs nothing here, and says nothing.
    fresh = _passes(stage, model.forward_passes - before) / max(1, _size(stage, inputs[1:]))
    counted = round(done * min(1.0, fresh))
    return Probed(counted, duration_s) if counted else None


def _sample(stage: str, subjects: Sequence[str]) -> Sequence[str]:
    # Every stage looks elsewhere: two models may share a network, which remembers the pictures that it has seen.
    most = SUBJECTS + 1
    share = (PROBED_STAGES.index(stage) + 1) / (len(PROBED_STAGES) + 1)
    start = round(max(0, len(subjects) - most) * share)
    return subjects[start : start + most]


def _inputs(lake: Lake, stage: str, segment_ids: Sequence[str]) -> list[Any]:
    if stage in PICTURE_STAGES:
        batches = read_keyframes(lake, segment_ids, BucketRange(), batch_segments=max(1, len(segment_ids)))
        return [segment.jpegs for batch in batches for segment in batch if segment.jpegs]
    wanted = in_list("segment_id", segment_ids)
    rows = lake.read(DOCUMENTS.name, ["caption", "transcript", "screen"], wanted).to_pylist()
    return [document_text(row["caption"], row["transcript"], row["screen"]) for row in rows]


def _compute(stage: str, model: LoadedModel) -> Compute:
    if stage == "captions":
        return cast(Captioner, model).caption_segments
    if stage == "screen_texts":
        return cast(Reader, model).read_segments
    if stage == "visual_vectors":
        return lambda batch: list(cast(VisualEncoder, model).embed_segments(batch))
    return lambda batch: list(cast(TextEncoder, model).embed_documents(batch))


def _passes(stage: str, passes: ForwardPasses) -> int:
    return passes.images if stage in PICTURE_STAGES else passes.texts


def _size(stage: str, inputs: Sequence[Any]) -> int:
    # The same picture, or the same words, go through a network once.
    return len({picture for jpegs in inputs for picture in jpegs} if stage in PICTURE_STAGES else set(inputs))
