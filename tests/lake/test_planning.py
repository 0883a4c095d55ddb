"""Plans against the plainest possible reference, and what makes a plan empty again."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.planning import Plan, have_table, plan, wanted_table, without

Wanted = dict[str, str]
Have = dict[str, tuple[str, str]]

SUBJECTS = st.text(alphabet="abc", min_size=1, max_size=2)
FINGERPRINTS = st.sampled_from(["f1", "f2"])
VERSIONS = st.sampled_from(["v1", "v2"])
WANTED = st.dictionaries(SUBJECTS, FINGERPRINTS, max_size=10)
HAVE = st.dictionaries(SUBJECTS, st.tuples(FINGERPRINTS, VERSIONS), max_size=10)


def _wanted(wanted: Wanted) -> pa.Table:
    return wanted_table(pa.array(list(wanted), pa.string()), pa.array(list(wanted.values()), pa.string()))


def _have(have: Have) -> pa.Table:
    fingerprints = [fingerprint for fingerprint, _ in have.values()]
    versions = [version for _, version in have.values()]
    return have_table(
        pa.array(list(have), pa.string()), pa.array(fingerprints, pa.string()), pa.array(versions, pa.string())
    )


def _naive(wanted: Wanted, have: Have, version: str) -> Plan:
    stale = {subject for subject in wanted if subject in have and have[subject] != (wanted[subject], version)}
    return Plan(
        new=tuple(sorted(set(wanted) - set(have))),
        stale=tuple(sorted(stale)),
        orphaned=tuple(sorted(set(have) - set(wanted))),
        current=len(set(wanted) & set(have)) - len(stale),
    )


@settings(max_examples=80, deadline=None)
@given(wanted=WANTED, have=HAVE, version=VERSIONS)
def test_a_plan_says_what_the_naive_one_says(wanted: Wanted, have: Have, version: str) -> None:
    found = plan(_wanted(wanted), _have(have), version)
    assert found == _naive(wanted, have, version)
    assert len(found.new) + len(found.stale) + found.current == len(wanted)
    assert set(found.new) | set(found.stale) | set(found.orphaned) <= set(wanted) | set(have)
    assert list(found.todo) == sorted({*found.new, *found.stale})


@settings(max_examples=30, deadline=None)
@given(wanted=WANTED, have=HAVE, version=VERSIONS)
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(wanted: Wanted, have: Have, version: str) -> None:
    first = plan(_wanted(wanted), _have(have), version)
    done = {subject: value for subject, value in have.items() if subject not in first.orphaned}
    done |= {subject: (wanted[subject], version) for subject in first.todo}
    second = plan(_wanted(wanted), _have(done), version)
    assert second.is_empty
    assert second == Plan(current=len(wanted))


@settings(max_examples=30, deadline=None)
@given(wanted=WANTED, have=HAVE, excluded=st.sets(SUBJECTS, max_size=6))
def test_excluded_subjects_are_in_no_part_of_a_plan(wanted: Wanted, have: Have, excluded: set[str]) -> None:
    found = plan(without(_wanted(wanted), excluded), without(_have(have), excluded), "v1")
    kept_wanted = {subject: value for subject, value in wanted.items() if subject not in excluded}
    kept_have = {subject: value for subject, value in have.items() if subject not in excluded}
    assert found == _naive(kept_wanted, kept_have, "v1")


def test_another_version_makes_everything_stale_and_another_input_only_its_subject() -> None:
    wanted = _wanted({"a": "f1", "b": "f1", "c": "f1"})
    have = _have({"a": ("f1", "v1"), "b": ("f1", "v1"), "c": ("f1", "v1")})
    assert plan(wanted, have, "v1").is_empty
    assert plan(wanted, have, "v2") == Plan(stale=("a", "b", "c"))
    assert plan(_wanted({"a": "f1", "b": "f2", "c": "f1"}), have, "v1") == Plan(stale=("b",), current=2)


def test_a_plan_that_only_removes_is_not_empty() -> None:
    found = plan(_wanted({}), _have({"a": ("f1", "v1")}), "v1")
    assert found == Plan(orphaned=("a",))
    assert not found.is_empty
    assert found.todo == ()


def test_columns_without_a_chunk_are_planned_too() -> None:
    none = pa.chunked_array([], pa.string())
    assert plan(wanted_table(none, none), have_table(none, none, none), "v1") == Plan()
    assert plan(_wanted({"a": "f1"}), have_table(none, none, none), "v1") == Plan(new=("a",))


def test_a_large_corpus_is_planned() -> None:
    subjects = [f"{number:032x}-0-1000" for number in range(200_000)]
    wanted = wanted_table(pa.array(subjects), pa.array(["f"] * 200_000))
    gone = [f"gone-{number}" for number in range(5)]
    fingerprints = ["old"] * 7 + ["f"] * 189_993 + ["f"] * 5
    have = have_table(pa.array(subjects[:190_000] + gone), pa.array(fingerprints), pa.array(["v"] * 190_005))
    found = plan(wanted, have, "v")
    assert found == Plan(tuple(subjects[190_000:]), tuple(subjects[:7]), tuple(gone), 189_993)
