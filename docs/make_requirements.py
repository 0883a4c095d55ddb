"""Writes the table of requirements into `docs/quality.md`: `python -m docs.make_requirements`. A test holds it true."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from quality.expectations.examine import REQUIREMENTS
from quality.expectations.requirement import Requirement

PAGE = Path(__file__).parent / "quality.md"
BEGIN, END = "<!-- requirements -->\n", "<!-- /requirements -->\n"


def table() -> str:
    """A row a requirement, those of both spaces' vectors once."""
    lines = ["| asset | check | if it is broken | it must hold that |", "|---|---|---|---|"]
    lines += [f"| `{asset}` | `{one.name}` | {_severity(one)} | {one.says} |" for asset, one in _each()]
    return "\n".join(lines) + "\n"


def written() -> str:
    """The table that stands in the page."""
    return PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]


def main() -> None:
    """Writes the page anew."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    PAGE.write_text(before + BEGIN + table() + END + rest.partition(END)[2], encoding="utf-8")


def _each() -> Iterator[tuple[str, Requirement]]:
    vectors = "visual_vectors", "text_vectors"
    if REQUIREMENTS[vectors[0]] != REQUIREMENTS[vectors[1]]:
        raise ValueError("the two spaces ask different things: the page needs a table of each")
    for asset, requirements in REQUIREMENTS.items():
        if asset != vectors[1]:
            for one in requirements:
                yield ("`, `".join(vectors) if asset in vectors else asset), one


def _severity(one: Requirement) -> str:
    return "**block**" if one.severity == "block" else "*warn*"


if __name__ == "__main__":
    main()
