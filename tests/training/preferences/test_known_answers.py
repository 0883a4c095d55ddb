"""Weights from known answers: what generalises goes live, what only fits does not."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kernel.progress import Silent
from lake.releases import Releases
from quality.evaluation_set import KnownQuery
from quality.policy import PromotionPolicy
from quality.promotion import TUNED
from settings.model import PromotionSettings
from tests.retrieval.small_corpus import FIRST, Scene, SmallCorpus, WordVectors, video
from training.preferences.errors import NotTuned, TooFewJudgements
from training.preferences.known_answers import FOLDS, cross_validated, pairs_of_known, tune_to_known
from training.preferences.pairs import Question, asked
from training.preferences.places import Places
from training.preferences.proposal import release_tuned

VIDEOS = 24
RELEASED = {"context": 0.0, "transcript": 0.3, "visual": 3.0}


def _policy(evaluation: Path | None) -> PromotionPolicy:
    return PromotionPolicy.from_settings(PromotionSettings(evaluation=evaluation))


def _corpus(folder: Path, videos: int = VIDEOS) -> tuple[SmallCorpus, Path]:
    """What is said is the answer; what is shown belongs to another video."""
    small = SmallCorpus(folder / "lake")
    small.write(
        [
            Scene(number, transcript=f"we speak of topic{number} here", shows=f"topic{(number + 7) % videos} view")
            for number in range(videos)
        ]
    )
    for number in range(videos):
        small.write_video(number, uris=[str(folder / f"{number}.mp4")])
    small.release(FIRST, fusion=RELEASED)
    known = folder / "known.csv"
    with known.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["query", "video_path"])
        writer.writerows([f"topic{number}", f"{number}.mp4"] for number in range(videos))
    return small, known


def test_what_holds_for_videos_that_were_kept_out_goes_live(tmp_path: Path) -> None:
    small, known = _corpus(tmp_path)
    tuning = tune_to_known(small.lake, _policy(known), WordVectors(), Silent(), beta=0.01)
    assert (tuning.queries, tuning.videos, tuning.out_of_reach) == (VIDEOS, VIDEOS, 0)
    assert tuning.fusion["transcript"] / tuning.fusion["visual"] > 1
    (guard,) = tuning.guards
    assert guard.passed
    assert guard.before is not None
    assert guard.after is not None
    assert guard.after > guard.before + 0.3
    made = release_tuned(small.lake, tuning, _policy(known), RELEASED)
    assert Releases(small.lake).live() == made
    assert made.evidence[TUNED]["guards"][0]["name"] == "cross_validated"
    assert f"{VIDEOS} queries about {VIDEOS} videos" in made.reason


def test_what_does_not_hold_is_refused(tmp_path: Path) -> None:
    small, known = _corpus(tmp_path)
    tuning = tune_to_known(small.lake, _policy(known), WordVectors(), Silent(), beta=0.01)
    failing = replace(tuning, guards=(replace(tuning.guards[0], passed=False, message="it fell."),))
    with pytest.raises(NotTuned, match=r"cross_validated: it fell\."):
        release_tuned(small.lake, failing, _policy(known), RELEASED)
    assert Releases(small.lake).live().release_id == 1


def test_too_few_known_answers_are_no_reason_to_change_anything(tmp_path: Path) -> None:
    small, known = _corpus(tmp_path, videos=9)
    with pytest.raises(TooFewJudgements, match=r"known\.csv: there are 9 queries about 9 videos"):
        tune_to_known(small.lake, _policy(known), WordVectors(), Silent())
    with pytest.raises(TooFewJudgements, match=r"promotion\.evaluation in reelindex\.toml: there are 0 queries"):
        tune_to_known(small.lake, _policy(None), WordVectors(), Silent())


def _noise(queries: int, seed: int) -> tuple[list[KnownQuery], dict[Question, Places]]:
    """Legs that know nothing."""
    random = np.random.default_rng(seed)
    known = [KnownQuery(f"query {number}", video(int(random.integers(0, 30)))) for number in range(queries)]
    items = tuple(video(number) for number in range(30))
    places = {
        Question(asked(one.text), "video"): Places(items, np.arange(30), random.gamma(1.0, 1.0, (30, 3)))
        for one in known
    }
    return known, places


def test_a_fit_to_noise_is_seen_through() -> None:
    gains = []
    for seed in range(8):
        known, places = _noise(40, seed)
        before, after = cross_validated(known, places, {"a": 1.0, "b": 1.0, "c": 1.0}, beta=0.0)
        gains.append(after.mean() - before.mean())
    assert abs(np.mean(gains)) < 0.03


def test_each_query_is_one_voice_and_what_is_wanted_too_is_no_rival() -> None:
    known, places = _noise(10, 0)
    twin = KnownQuery(known[0].text, video((int(known[0].video_id, 16) + 1) % 30))
    pairs = pairs_of_known([*known, twin], places, {"a": 1.0, "b": 1.0, "c": 1.0})
    voices: Counter[tuple[str, str]] = Counter()
    for pair in pairs:
        voices[pair.question.query, pair.preferred] += pair.weight  # type: ignore[assignment]
    assert set(np.round(list(voices.values()), 9)) == {1.0}
    wanted = {known[0].video_id, twin.video_id}
    assert not [one for one in pairs if one.question.query == asked(twin.text) and one.rejected in wanted]
    assert FOLDS == 5
