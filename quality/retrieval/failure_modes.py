"""Ways in which search by vectors is known to fail, each as a number that says when to look.

Hubs: in many dimensions a few points are near everything (Radovanovic, Nanopoulos & Ivanovic 2010). Floods: copies of
one scene fill an answer. Concentration: a few videos are shown for everything. Long tail: what is rare is found less.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lake.retrieval_quality import FailureMode, Found
from lake.schema import vectors_table_name
from lake.store import Lake
from quality.index_recall import has_index, recall_of_index
from retrieval import SearchResults

SHOWN = 10
FAILURE_MODES = {
    "hubs": "No video is among the first ten of the visual leg for a quarter of all questions more than by chance.",
    "floods": "At most one result in ten shows the same scene as one above it.",
    "concentration": "The first ten are not always the same few videos: Gini's coefficient is 0.75 at most.",
    "index_misses": "The vector indexes find 98 % of the ten nearest of an exact search, for these very questions.",
    "long_tail": "Recall at 10 of content that few videos share is at most 0.15 lower than of what many share.",
}
"""By name, what should hold."""

LEAST_QUESTIONS = 20
LEAST_VIDEOS = 3 * SHOWN
"""Among fewer, each answer shows a third of all."""
MAX_HUB = 0.25
MAX_FLOOD = 0.1
MAX_CONCENTRATION = 0.75
MAX_LONG_TAIL = 0.15
MAX_MISSED = 0.02
EXAMPLES = 3


def hub(rankings: Sequence[Sequence[str]], videos: int, named: Callable[[str], str]) -> FailureMode:
    """The share of questions, beyond chance, that have the most frequent video among their first ten.

    Args:
        rankings: By question, the videos that the visual leg found, best first.
        videos: How many there are.
        named: How a person calls a video.
    """
    counts = _shown(rankings)
    if len(rankings) < LEAST_QUESTIONS or videos < LEAST_VIDEOS or not counts:
        return FailureMode("hubs", None, MAX_HUB, _too_little(len(rankings), videos))
    by_chance = counts.total() / videos
    (first, times), *others = counts.most_common(EXAMPLES)
    told = (
        f"The visual leg shows {named(first)} for {times} of {len(rankings)} questions; by chance it would be "
        f"{by_chance:.0f}. Next: {', '.join(f'{named(name)} {count}' for name, count in others)}. Look at them: blank "
        "pictures, titles and collages are near everything, and a video of many segments has more chances than others. "
        "A better encoder has fewer hubs."
    )
    return FailureMode("hubs", (times - by_chance) / len(rankings), MAX_HUB, told)


def concentration(rankings: Sequence[Sequence[str]], videos: int) -> FailureMode:
    """Gini's coefficient of how often each video is among the first ten: 0 if all are alike, 1 if it is one alone."""
    counts = _shown(rankings)
    if len(rankings) < LEAST_QUESTIONS or videos < LEAST_VIDEOS or not counts:
        return FailureMode("concentration", None, MAX_CONCENTRATION, _too_little(len(rankings), videos))
    times = np.sort([*counts.values(), *([0] * (videos - len(counts)))]).astype(np.float64)
    order = np.arange(1, len(times) + 1)
    gini = float(((2 * order - len(times) - 1) * times).sum() / (len(times) * times.sum()))
    told = (
        f"{len(counts)} of {videos} videos are among the first ten of any question. Few videos for many questions: ask "
        "questions about other things, or look at what the fusion's weights prefer."
    )
    return FailureMode("concentration", gini, MAX_CONCENTRATION, told)


def flood(answers: Sequence[SearchResults], named: Callable[[str], str]) -> FailureMode:
    """The share of the first results that would be copies of one above them, were they not folded into it.

    Args:
        answers: By question.
        named: How a person calls a video.
    """
    if len(answers) < LEAST_QUESTIONS:
        return FailureMode("floods", None, MAX_FLOOD, _too_little(len(answers), sum(map(_results, answers))))
    copied: Counter[str] = Counter()
    for answer in answers:
        copied.update({one.video_id: len(one.copies) for one in answer.results[:SHOWN] if one.copies})
    everything = copied.total() + sum(min(_results(answer), SHOWN) for answer in answers)
    names = ", ".join(named(name) for name, _ in copied.most_common(EXAMPLES))
    told = f"{copied.total()} of {everything} results repeat a scene that stands above them, and are folded into it"
    told += f"; most often {names}. Delete what was only encoded anew." if names else "."
    return FailureMode("floods", copied.total() / max(everything, 1), MAX_FLOOD, told)


def _results(answer: SearchResults) -> int:
    return len(answer.results)


def index_misses(
    lake: Lake, spaces: Mapping[str, str], embedded: Mapping[str, Sequence[NDArray[np.float32]]]
) -> FailureMode:
    """The share of the ten nearest of an exact search that the worse of the vector indexes misses.

    Args:
        lake: With the vectors.
        spaces: The version of each space.
        embedded: By space, the vectors of the questions.
    """
    found = {}
    for space, version in spaces.items():
        if embedded.get(space) and has_index(lake, vectors_table_name(space, version)):
            found[space] = recall_of_index(lake, space, version, embedded[space])
    if not found:
        return FailureMode("index_misses", 0.0, MAX_MISSED, "There is no vector index: every search is exact.")
    told = ", ".join(f"{space} {recall:.4f}" for space, recall in found.items())
    told = f"Recall at 10 of the indexes against exact search, for the questions themselves: {told}."
    if 1 - min(found.values()) > MAX_MISSED:
        told += (
            " The corpus has changed since it was built: drop it, and `reelindex ingest` builds it for what is there."
        )
    return FailureMode("index_misses", 1 - min(found.values()), MAX_MISSED, told)


def long_tail(parts: Mapping[str, Found]) -> FailureMode:
    """By how much recall at 10 is lower for content that few videos share."""
    rare, common = parts.get("rare content"), parts.get("common content")
    if rare is None or common is None:
        told = "Too few questions about rare or about common content to tell."
        return FailureMode("long_tail", None, MAX_LONG_TAIL, told)
    gap = common.metrics["recall@10"].mean - rare.metrics["recall@10"].mean
    told = (
        f"Recall at 10 is {rare.metrics['recall@10'].mean:.2f} for rare content and "
        f"{common.metrics['recall@10'].mean:.2f} for common. A model trained on videos like yours (`reelindex train`) "
        "knows more of what is rare elsewhere."
    )
    return FailureMode("long_tail", gap, MAX_LONG_TAIL, told)


def _shown(rankings: Sequence[Sequence[str]]) -> Counter[str]:
    return Counter(video_id for one in rankings for video_id in one[:SHOWN])


def _too_little(questions: int, things: int) -> str:
    return (
        f"Not told from {questions} questions over {things}: it takes {LEAST_QUESTIONS} questions and {LEAST_VIDEOS} "
        "videos."
    )
