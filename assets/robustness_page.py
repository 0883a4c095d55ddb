"""What the asset `robustness` shows: the configured version beside those before it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.figures import figure_markdown

if TYPE_CHECKING:
    from lake.robustness import Robustness, Shift

VERSIONS_DRAWN = 4
_COLOURS = ("#9aa7b5", "#7b9fc9", "#c98a5a", "#2060a0")


def robustness_page(found: "Robustness", others: "Sequence[Robustness]") -> dict[str, Any]:
    """The metadata of one space: a version in numbers, and beside others of its space in a picture.

    Args:
        found: The version that the settings name.
        others: In the order in which they were measured; the last ones are drawn.
    """
    space = found.space
    worst = min(found.shifts, key=lambda one: one.overlap)
    in_words = (
        f"{found.version}: of the ten nearest among {found.rows} vectors, {found.overlap:.0%} stay on average; "
        f"fewest under `{worst.disturbance}` of {worst.side}: {worst.overlap:.0%}."
    )
    return {
        f"{space}_in_words": in_words,
        f"{space}_overlap": dg.MetadataValue.float(found.overlap),
        f"{space}_disturbances": dg.MetadataValue.table([_row(one) for one in found.shifts]),
        f"{space}_by_version": dg.MetadataValue.md(_by_version([*others[1 - VERSIONS_DRAWN :], found])),
    }


def _row(shift: "Shift") -> dg.TableRecord:
    return dg.TableRecord(
        {
            "of": shift.side,
            "disturbance": shift.disturbance,
            "of_ten_stay": f"{shift.overlap:.0%}",
            "first_stays": f"{shift.first_kept:.0%}",
            "cosine": round(shift.cosine, 3),
            "lowest": round(shift.cosine_low, 3),
            "asked": shift.asked,
        }
    )


def _by_version(measured: "Sequence[Robustness]") -> str:
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(_name(shift) for one in measured for shift in one.shifts))
    figure = Figure(figsize=(9, 0.8 + 0.2 * len(names) * len(measured)), layout="constrained")
    axes = figure.subplots()
    height = 0.8 / len(measured)
    for place, one in enumerate(measured):
        overlap = {_name(shift): shift.overlap for shift in one.shifts}
        at = [row + (place - (len(measured) - 1) / 2) * height for row in range(len(names))]
        values = [overlap.get(name, 0.0) for name in names]
        axes.barh(at, values, height, label=one.version, color=_COLOURS[place - len(measured)])
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set(xlabel="share of the ten nearest that stay", xlim=(0, 1))
    figure.legend(loc="outside upper left", frameon=False)
    return figure_markdown(figure, "robustness by version")


def _name(shift: "Shift") -> str:
    return f"{shift.side}: {shift.disturbance}"
