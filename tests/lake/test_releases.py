"""Releases: appended one after the other, each by exactly one process."""

from __future__ import annotations

import pytest

from lake.errors import NoRelease, ReleaseRaced
from lake.releases import Release, Releases
from lake.schema import vectors_table
from lake.store import Lake
from tests.lake import jobs
from tests.lake.processes import TwoProcesses


def _append(releases: Releases, version: str, after: Release | None) -> Release:
    return releases.append(
        kind="first" if after is None else "promotion",
        spaces={"visual": version, "text": "t-1"},
        fusion={"visual": 1.0, "text": 0.5, "k": 60.0},
        evidence={"coverage": {"done": 3, "wanted": 3}},
        reason=f"because of {version}",
        after=after,
    )


def test_before_the_first_release_there_is_nothing_to_search(lake: Lake) -> None:
    releases = Releases(lake)
    assert releases.all() == []
    assert releases.find_live() is None
    with pytest.raises(NoRelease, match=r"nothing has been released yet.*reelindex ingest"):
        releases.live()


def test_releases_are_appended_and_the_last_is_live(lake: Lake) -> None:
    releases = Releases(lake)
    first = _append(releases, "v-1", None)
    second = _append(releases, "v-2", first)
    back = releases.append(
        kind="rollback",
        spaces=first.spaces,
        fusion=first.fusion,
        evidence={},
        reason="rolled back",
        after=releases.live(),
    )
    assert [release.release_id for release in releases.all()] == [1, 2, 3]
    assert [release.predecessor for release in releases.all()] == [None, 1, 2]
    assert releases.all() == [first, second, back]
    assert Releases(Lake(lake.folder)).live() == back
    assert back.spaces == {"visual": "v-1", "text": "t-1"}
    assert [release.kind for release in releases.all()] == ["first", "promotion", "rollback"]
    assert first.created_at < second.created_at < back.created_at


def test_a_release_follows_the_live_one_or_not_at_all(lake: Lake) -> None:
    releases = Releases(lake)
    first = _append(releases, "v-1", None)
    _append(releases, "v-2", first)
    for after in (None, first):
        with pytest.raises(ReleaseRaced) as raised:
            _append(releases, "v-3", after)
        assert raised.value.transient
    assert [release.spaces["visual"] for release in releases.all()] == ["v-1", "v-2"]


def test_the_state_of_a_version_follows_from_the_releases_it_is_in(lake: Lake) -> None:
    releases = Releases(lake)
    assert releases.state("v-1") == "candidate"
    first = _append(releases, "v-1", None)
    assert [releases.state(version) for version in ("v-1", "v-2", "t-1")] == ["live", "candidate", "live"]
    _append(releases, "v-2", first)
    assert [releases.state(version) for version in ("v-1", "v-2", "t-1")] == ["dropped", "live", "live"]
    lake.create(vectors_table("visual", "v-1", 4))
    assert releases.state("v-1") == "retired"


def test_what_a_rollback_took_out_of_use_is_unwanted_until_it_is_brought_back(lake: Lake) -> None:
    releases = Releases(lake)
    first = _append(releases, "v-1", None)
    second = _append(releases, "v-2", first)
    assert releases.rolled_back() == set()
    back = releases.append(kind="rollback", spaces=first.spaces, fusion={}, evidence={}, reason="no good", after=second)
    assert releases.rolled_back() == {"v-2"}
    other = _append(releases, "v-3", back)
    assert releases.rolled_back() == {"v-2"}
    _append(releases, "v-2", other)
    assert releases.rolled_back() == set()


def test_of_two_processes_exactly_one_makes_each_release(lake: Lake, two_processes: TwoProcesses) -> None:
    rounds = 8
    one, other = two_processes.together(
        jobs.append_releases, (lake.folder, "one", rounds), (lake.folder, "other", rounds)
    )
    assert [sorted(outcomes) for outcomes in zip(one, other, strict=True)] == [["lost", "won"]] * rounds
    winners = ["one" if outcome == "won" else "other" for outcome in one]
    found = Releases(lake).all()
    assert [release.release_id for release in found] == list(range(1, rounds + 1))
    assert [release.spaces["text"] for release in found] == winners
