"""`reelindex promote`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.filesize import decimal as size
from rich.markup import escape
from rich.table import Table

from orchestration.cli.console import errors, out, print_json
from orchestration.cli.options import HomeOption, JsonOption

if TYPE_CHECKING:
    from lake.schema import Space

_HELP_SPACE = "`visual` or `text`; may be left out where only one of them has a candidate."


def promote(
    space: Annotated[str | None, typer.Argument(help=_HELP_SPACE)] = None,
    waive: Annotated[list[str] | None, typer.Option(help="A gate to pass over; the release remembers it.")] = None,
    reason: Annotated[str, typer.Option(help="Why, for whoever reads the releases later.")] = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the version that the settings name live, if every gate lets it. Asks the gates that were not asked yet."""
    from orchestration.by_hand import promote_by_hand
    from settings import Home, load_settings

    _check_names(space, waive or [])
    outcome = promote_by_hand(
        load_settings(), Home.find(home), space=cast("Space | None", space), waive=waive or [], reason=reason
    )
    if as_json:
        print_json(outcome)
    else:
        _show(outcome)
    if not outcome["promoted"]:
        raise typer.Exit(1)


def _check_names(space: str | None, waived: Sequence[str]) -> None:
    from lake.schema import SPACES
    from quality.candidate_gates import GATE_NAMES

    if space is not None and space not in SPACES:
        raise typer.BadParameter(f"there is no space {space}: {', '.join(SPACES)}.", param_hint="SPACE")
    for name in waived:
        if name not in GATE_NAMES:
            raise typer.BadParameter(f"there is no gate {name}: {', '.join(GATE_NAMES)}.", param_hint="--waive")


def _show(outcome: dict[str, Any]) -> None:
    if outcome["gates"]:
        table = Table("gate", "passed", "what was measured", box=None, pad_edge=False)
        for gate in outcome["gates"]:
            waived = gate["gate"] in outcome["waived"]
            passed = "yes" if gate["passed"] else "no, waived" if waived and outcome["promoted"] else "NO"
            table.add_row(gate["gate"], passed, escape(gate["message"]))
        out.print(table)
    for dropped in outcome["dropped"]:
        freed = size(dropped["freed_bytes"])
        out.print(f"Dropped {dropped['version']}: retired long enough, {freed} freed.", highlight=False)
    if outcome["promoted"]:
        text = f"Search reads release {outcome['release']}: {outcome['reason']}."
        out.print(text, markup=False, highlight=False, soft_wrap=True)
    else:
        errors.print(
            f"not promoted: {outcome['reason']}", style="bold red", markup=False, highlight=False, soft_wrap=True
        )
