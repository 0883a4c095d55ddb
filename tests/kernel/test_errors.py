"""Errors say what, where and what to do, also after a trip through a pipe."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import ReelindexError


class Passing(ReelindexError):
    """A failure that may pass."""

    transient = True


class Counted(ReelindexError):
    """A failure with an argument of its own."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} rows are missing.", where="a table", remedy="Run it again.")
        self.count = count


@given(what=st.text(), where=st.text(), remedy=st.text(), kind=st.sampled_from([ReelindexError, Passing]))
def test_an_error_survives_a_pipe(what: str, where: str, remedy: str, kind: type[ReelindexError]) -> None:
    received = pickle.loads(pickle.dumps(kind(what, where=where, remedy=remedy)))
    assert type(received) is kind
    assert (received.what, received.where, received.remedy) == (what, where, remedy)
    assert received.transient is kind.transient


def test_a_subclass_with_its_own_arguments_survives_a_pipe() -> None:
    sent = Counted(3)
    sent.add_note("seen at night")
    received = pickle.loads(pickle.dumps(sent))
    assert type(received) is Counted
    assert (received.count, str(received), received.__notes__) == (3, str(sent), ["seen at night"])
    assert str(copy.copy(sent)) == str(sent)


@pytest.mark.parametrize(
    ("where", "remedy", "text"),
    [
        ("", "", "it broke."),
        ("a.mp4", "", "a.mp4: it broke."),
        ("", "Mend it.", "it broke. Mend it."),
        ("a.mp4", "Mend it.", "a.mp4: it broke. Mend it."),
    ],
)
def test_the_text_leaves_out_what_is_not_known(where: str, remedy: str, text: str) -> None:
    assert str(ReelindexError("it broke.", where=where, remedy=remedy)) == text


def test_an_error_does_not_pass_unless_it_says_so() -> None:
    assert not ReelindexError("it broke.").transient
    assert Passing("it broke.").transient
