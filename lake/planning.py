"""What a stage has to do: the subjects that are new, stale or orphaned. One function for every stage."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

SUBJECT = "subject"
INPUT_FP = "input_fp"
VERSION = "version"


@dataclass(frozen=True, slots=True)
class Plan:
    """The work of one stage at one version.

    Attributes:
        new: Subjects that have no value yet.
        stale: Subjects whose value was made by another version or from other inputs.
        orphaned: Subjects that have a value and should have none: their input is gone.
        current: How many subjects have the value that they should have.
    """

    new: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    orphaned: tuple[str, ...] = ()
    current: int = 0

    @property
    def todo(self) -> tuple[str, ...]:
        """New and stale subjects, in the order of their names: a video's segments come together."""
        return tuple(sorted((*self.new, *self.stale)))

    @property
    def is_empty(self) -> bool:
        """Whether nothing has to be computed or removed."""
        return not (self.new or self.stale or self.orphaned)


def plan(wanted: pa.Table, have: pa.Table, version: str) -> Plan:
    """Compares what a stage should hold with what it holds, by keys and provenance alone.

    Args:
        wanted: Columns `subject`, `input_fp`: one row for every subject that should have a value, with the
            fingerprint of its inputs as they are now.
        have: Columns `subject`, `input_fp`, `version`: one row for every value that is there.
        version: The version that should have made every value.
    """
    joined = wanted.select([SUBJECT, INPUT_FP]).join(
        have.select([SUBJECT, INPUT_FP, VERSION]).append_column(
            "is_there", pa.array([True] * have.num_rows, pa.bool_())
        ),
        keys=SUBJECT,
        join_type="left outer",
        right_suffix="_had",
    )
    orphaned = have.select([SUBJECT]).join(wanted.select([SUBJECT]), keys=SUBJECT, join_type="left anti")
    new, stale, current = _sorted_out(joined, version)
    return Plan(new, stale, tuple(sorted(orphaned[SUBJECT].to_pylist())), current)


def _sorted_out(joined: pa.Table, version: str) -> tuple[tuple[str, ...], tuple[str, ...], int]:
    import pyarrow.compute as pc

    is_there = pc.fill_null(joined["is_there"], False)
    same_version = pc.fill_null(pc.equal(joined[VERSION], version), False)
    same_input = pc.fill_null(pc.equal(joined[INPUT_FP], joined[f"{INPUT_FP}_had"]), False)
    is_current = pc.and_(is_there, pc.and_(same_version, same_input))
    new = joined.filter(pc.invert(is_there))[SUBJECT].to_pylist()
    stale = joined.filter(pc.and_(is_there, pc.invert(is_current)))[SUBJECT].to_pylist()
    return tuple(sorted(new)), tuple(sorted(stale)), int(pc.sum(is_current).as_py() or 0)


def wanted_table(subjects: pa.ChunkedArray | pa.Array, input_fps: pa.ChunkedArray | pa.Array) -> pa.Table:
    """The left side of a plan from two columns."""
    return pa.table({SUBJECT: subjects, INPUT_FP: input_fps})


def have_table(
    subjects: pa.ChunkedArray | pa.Array,
    input_fps: pa.ChunkedArray | pa.Array,
    versions: pa.ChunkedArray | pa.Array,
) -> pa.Table:
    """The right side of a plan from three columns."""
    return pa.table({SUBJECT: subjects, INPUT_FP: input_fps, VERSION: versions})


def without(table: pa.Table, excluded: set[str]) -> pa.Table:
    """The rows whose subject is not excluded (quarantined subjects are neither wanted nor orphaned)."""
    if not excluded:
        return table
    import pyarrow.compute as pc

    return table.filter(pc.invert(pc.is_in(table[SUBJECT], value_set=pa.array(sorted(excluded), pa.string()))))
