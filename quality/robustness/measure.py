"""An encoder under disturbances: how far its vectors move, and whether the same things are still found.

A few dozen segments are taken, the same at every look; their pictures are disturbed and embedded again, and so are
queries made of what is said of them. A cosine means something else in every space, so what two versions are compared by
is what is found: the nearest among the stored vectors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from encoders.family import ModelSpec
from kernel.identity import fingerprint
from lake.buckets import BucketRange
from lake.keyframes import read_keyframes
from lake.robustness import Robustness, RobustnessMeasured, Shift, Side
from lake.schema import CAPTIONS, DOCUMENTS, Space, vectors_table_name
from lake.store import Lake, in_list
from lake.vectors import Vectors, unit
from quality.robustness.pictures import PICTURE_DISTURBANCES, disturb
from quality.robustness.queries import QUERY_DISTURBANCES
from quality.stored_vectors import sampled, stored_vectors
from stages.models import Models
from stages.scope import Scope

SEGMENTS = 32
QUERIES = 64
STORED_MOST = 5000
NEIGHBOURS = 10
STORED_LEAST = 2 * NEIGHBOURS
"""Among fewer, half of all are always near."""
WORDS_OF_A_QUERY = 12
PROTOCOL = "1"
"""Another number whenever the disturbances or the sample are chosen in another way."""
_SAME = 1e-6


@dataclass(frozen=True, slots=True)
class _Sample:
    """What is disturbed: segments whose stored vector was made from the pictures that are there, and queries."""

    segments: dict[str, tuple[bytes, ...]]
    queries: tuple[str, ...]


def measure_robustness(scope: Scope, models: Models, space: Space, spec: ModelSpec) -> Robustness | None:
    """A version under all disturbances: as it is known, or measured now if it has never been or has doubled since.

    Returns:
        None where fewer than twenty vectors are stored, as whatever moves, the same ones are found; and where nothing
        is there to disturb.

    Raises:
        EncoderError: The model cannot be loaded, or is not what it was when the version was registered.
    """
    name = vectors_table_name(space, spec.version)
    rows = scope.lake.count(name) if scope.lake.has_table(name) else 0
    measured = RobustnessMeasured(scope.lake)
    known = measured.find(spec.version)
    if known is not None and known.protocol == PROTOCOL and rows < 2 * known.rows:
        return known
    if rows < STORED_LEAST:
        return None
    inputs = scope.lake.read(name, ["segment_id", "input_fp"])
    made_from = dict(zip(inputs["segment_id"].to_pylist(), inputs["input_fp"].to_pylist(), strict=True))
    sample = _sample(scope.lake, space, made_from)
    stored = stored_vectors(scope.lake, space, spec.version, sampled(list(made_from), STORED_MOST))
    shifts = (
        *_of_pictures(scope, models, spec, sample, stored),
        *_of_queries(scope, models, space, spec, sample, stored),
    )
    if not shifts:
        return None
    found = Robustness(spec.version, space, PROTOCOL, rows, shifts, datetime.now(UTC))
    measured.keep(found)
    return found


def shift_of(side: Side, disturbance: str, before: Vectors, after: Vectors, stored: Vectors) -> Shift:
    """What a disturbance did.

    Args:
        side: What was disturbed.
        disturbance: How.
        before: Unit vectors of the undisturbed, float32 `(n, dim)`.
        after: Of the disturbed, in the same order.
        stored: Among which the nearest are looked for, float32 `(m, dim)`, `m` at least ten.
    """
    cosines = (before * after).sum(axis=1)
    # Copies of a picture are equally near: whichever of them comes first, nothing has changed.
    nearness = before @ stored.T
    ordered = -np.sort(-nearness, axis=1)[:, :NEIGHBOURS]
    now = np.argsort(-(after @ stored.T), axis=1, kind="stable")[:, :NEIGHBOURS]
    still = np.take_along_axis(nearness, now, axis=1)
    return Shift(
        side=side,
        disturbance=disturbance,
        asked=len(before),
        cosine=float(cosines.mean()),
        cosine_low=float(cosines.min()),
        first_kept=float((still[:, 0] >= ordered[:, 0] - _SAME).mean()),
        overlap=float((still >= ordered[:, -1:] - _SAME).mean()),
    )


def _sample(lake: Lake, space: Space, made_from: Mapping[str, str]) -> _Sample:
    # By digest of the id: the same segments for every version, and of all videos alike.
    chosen = sorted(made_from, key=lambda segment_id: fingerprint([segment_id]))
    pictures: dict[str, tuple[bytes, ...]] = {}
    if space == "visual":
        read = read_keyframes(lake, chosen[:SEGMENTS], BucketRange(), batch_segments=SEGMENTS)
        pictures = {
            one.segment_id: one.jpegs for batch in read for one in batch if one.fingerprint == made_from[one.segment_id]
        }
    queries = tuple(_queries(lake, chosen[: 4 * QUERIES]))[:QUERIES]
    return _Sample(pictures, queries)


def _queries(lake: Lake, segment_ids: Sequence[str]) -> Iterator[str]:
    """What a person might ask who remembers a segment: its caption, or the first words said in it; each once."""
    where = in_list("segment_id", segment_ids)
    captions = lake.read(CAPTIONS.name, ["segment_id", "text"], where)
    seen = dict(zip(captions["segment_id"].to_pylist(), captions["text"].to_pylist(), strict=True))
    documents = lake.read(DOCUMENTS.name, ["segment_id", "transcript"], where)
    said = dict(zip(documents["segment_id"].to_pylist(), documents["transcript"].to_pylist(), strict=True))
    given = set()
    for segment_id in segment_ids:
        words = (seen.get(segment_id) or said.get(segment_id) or "").split()
        query = " ".join(words[:WORDS_OF_A_QUERY])
        if len(words) > 1 and query not in given:
            given.add(query)
            yield query


def _of_pictures(scope: Scope, models: Models, spec: ModelSpec, sample: _Sample, stored: Vectors) -> Iterator[Shift]:
    if not sample.segments:
        return
    encoder = models.visual(spec)
    before = stored_vectors(scope.lake, "visual", spec.version, list(sample.segments))
    with scope.progress.task("disturbing pictures", len(PICTURE_DISTURBANCES), "disturbances") as advance:
        for name in PICTURE_DISTURBANCES:
            disturbed = [[disturb(jpeg, name) for jpeg in jpegs] for jpegs in sample.segments.values()]
            yield shift_of("pictures", name, before, unit(encoder.embed_segments(disturbed)), stored)
            advance(1)


def _of_queries(
    scope: Scope, models: Models, space: Space, spec: ModelSpec, sample: _Sample, stored: Vectors
) -> Iterator[Shift]:
    if not sample.queries:
        return
    encoder = models.visual(spec) if space == "visual" else models.text(spec)
    random = np.random.default_rng(0)
    before = unit(encoder.embed_queries(sample.queries))
    with scope.progress.task("disturbing queries", len(QUERY_DISTURBANCES), "disturbances") as advance:
        for name, said_otherwise in QUERY_DISTURBANCES.items():
            disturbed = [said_otherwise(query, random) for query in sample.queries]
            yield shift_of("queries", name, before, unit(encoder.embed_queries(disturbed)), stored)
            advance(1)
