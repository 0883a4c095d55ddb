"""Search, asked what the answers are known of: by leg and fused, by part, and how it fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import PurePath

import numpy as np

from kernel.errors import ReelindexError
from kernel.identity import canonical_json, fingerprint
from kernel.progress import Progress
from lake.files import first_uris
from lake.releases import Release, Releases
from lake.retrieval_quality import FailureMode, Found, RetrievalMeasured, RetrievalQuality
from lake.schema import DOCUMENTS, VIDEOS, vectors_table_name
from lake.store import Lake
from quality.index_recall import has_index
from quality.retrieval.failure_modes import concentration, flood, hub, index_misses, long_tail
from quality.retrieval.metrics import summed_up, values_of
from quality.retrieval.parts import parts_of
from quality.retrieval.questions import Question, Questions
from retrieval import Index, SearchResults
from retrieval.fusion import Fusion
from retrieval.legs import LEGS, VECTOR_LEGS
from retrieval.live_release import FixedRelease
from retrieval.query_encoders import EmbedsQueries
from retrieval.warm_lake import WarmLake

FUSED = "fused"
DEPTH = 50
"""Videos that are looked at: one beyond them counts as not found."""
PROTOCOL = "2"


class NothingToAsk(ReelindexError):
    """There is no question whose answer is known."""


def measure_quality(
    lake: Lake, release: Release, questions: Questions, encoders: EmbedsQueries, progress: Progress
) -> RetrievalQuality:
    """What a release finds of what it should: known from the same state, or measured now and kept.

    Raises:
        NothingToAsk: There are no questions.
        RetrievalError, EncoderError, LakeError: The release cannot be searched.
    """
    if not questions.asked:
        raise NothingToAsk(
            "there is no question whose answer is known.",
            where=questions.source,
            remedy="Name a CSV file with the columns query,video_path under promotion.evaluation in reelindex.toml.",
        )
    known = RetrievalMeasured(lake)
    state_fp = _state(lake, release, questions)
    found = known.find(state_fp)
    if found is None:
        found = _measured(lake, release, questions, encoders, progress, state_fp)
        known.keep(found)
    return found


def _state(lake: Lake, release: Release, questions: Questions) -> str:
    names = [DOCUMENTS.name, *(vectors_table_name(*one) for one in sorted(release.spaces.items()))]
    tables = [f"{name} {lake.snapshot(name).version}" for name in names if lake.has_table(name)]
    return fingerprint(
        [PROTOCOL, str(release.release_id), canonical_json(dict(release.fusion)), questions.fingerprint(), *tables]
    )


def _measured(
    lake: Lake,
    release: Release,
    questions: Questions,
    encoders: EmbedsQueries,
    progress: Progress,
    state_fp: str,
) -> RetrievalQuality:
    legs = _legs(release)
    with (
        Index(WarmLake(lake.folder), encoders, FixedRelease(release)) as index,
        progress.task("asking what is known", (1 + len(legs)) * len(questions.asked), "questions") as advance,
    ):
        answers = {FUSED: _ask(index, questions.asked, None, advance)}
        answers |= {leg: _ask(index, questions.asked, [leg], advance) for leg in legs}
    wanted = [question.wanted for question in questions.asked]
    videos = {leg: [one.video_ids(of) for one, of in zip(given, wanted, strict=True)] for leg, given in answers.items()}
    values = {leg: values_of(wanted, found) for leg, found in videos.items()}
    everyone = np.arange(len(wanted))
    parts = {name: summed_up(values[FUSED], chosen) for name, chosen in parts_of(lake, questions.asked).items()}
    return RetrievalQuality(
        state_fp=state_fp,
        release_id=release.release_id,
        source=questions.source,
        legs={leg: summed_up(each, everyone) for leg, each in values.items()},
        parts=parts,
        failure_modes=(
            *_failure_modes(lake, answers, videos, parts),
            _index_misses(lake, release, questions, encoders),
        ),
        measured_at=datetime.now(UTC),
    )


def _legs(release: Release) -> list[str]:
    weights = Fusion.from_release(release.fusion).weights
    return [leg for leg in LEGS if weights.get(leg) and (leg not in VECTOR_LEGS or leg in release.spaces)]


def _ask(
    index: Index, asked: Sequence[Question], legs: list[str] | None, advance: Callable[[float], object]
) -> list[SearchResults]:
    return index.search_all([question.text for question in asked], legs=legs, limit=DEPTH, advance=advance)


def _failure_modes(
    lake: Lake,
    answers: dict[str, list[SearchResults]],
    videos: dict[str, list[list[str]]],
    parts: dict[str, Found],
) -> tuple[FailureMode, ...]:
    everyone = lake.count(VIDEOS.name)
    named = _names(lake, answers)
    modes = [concentration(videos[FUSED], everyone), long_tail(parts), flood(answers[FUSED], named)]
    if "visual" in answers:
        modes += [hub(videos["visual"], everyone, named)]
    return tuple(modes)


def _index_misses(lake: Lake, release: Release, questions: Questions, encoders: EmbedsQueries) -> FailureMode:
    texts = [question.text for question in questions.asked if question.text.strip()]
    embedded = {
        space: [encoders.embed(version, text) for text in texts]
        for space, version in release.spaces.items()
        if has_index(lake, vectors_table_name(space, version))
    }
    return index_misses(lake, release.spaces, embedded)


def _names(lake: Lake, answers: dict[str, list[SearchResults]]) -> Callable[[str], str]:
    """The name of a video's file; its id where no file is known."""
    found = {one.video_id for given in answers.values() for answer in given for one in answer.results}
    uris = first_uris(lake, sorted(found))
    return lambda video_id: PurePath(uris.get(video_id, "")).name or video_id


def live_quality(lake: Lake, questions: Questions, encoders: EmbedsQueries, progress: Progress) -> RetrievalQuality:
    """The same of the live release.

    Raises:
        NoRelease: Nothing has been released.
        NothingToAsk: There are no questions.
    """
    return measure_quality(lake, Releases(lake).live(), questions, encoders, progress)
