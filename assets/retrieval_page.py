"""What the asset `retrieval_quality` shows: metrics by leg and part with their bounds, and how they went over time."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.figures import figure_markdown

if TYPE_CHECKING:
    from lake.retrieval_quality import FailureMode, Found, RetrievalQuality
    from quality.retrieval.questions import Questions

SHOWN = ("recall@1", "recall@5", "recall@10", "ndcg@10", "mrr")
_COLOURS = {"recall@1": "#2060a0", "recall@5": "#c05020", "recall@10": "#308050", "mrr": "#555555"}


def quality_page(
    found: "RetrievalQuality", before: "Sequence[RetrievalQuality]", questions: "Questions"
) -> dict[str, Any]:
    """The metadata of a measurement.

    Args:
        found: The live release.
        before: All measurements with the same questions' source, oldest first, `found` among them.
        questions: What was asked.
    """
    fused = found.legs["fused"]
    numbers = {f"fused_{name.replace('@', '_at_')}": dg.MetadataValue.float(fused.metrics[name].mean) for name in SHOWN}
    return {
        "release": found.release_id,
        "questions": fused.questions,
        "from": found.source,
        "paths_of_no_video": questions.unknown,
        **numbers,
        "by_leg": _table("leg", found.legs),
        **({"by_part": _table("part", found.parts)} if found.parts else {}),
        "by_leg_drawn": dg.MetadataValue.md(_by_leg(found)),
        "over_time": dg.MetadataValue.md(_over_time(before)),
    }


def failure_results(modes: "Sequence[FailureMode]", names: Sequence[str], unasked: str) -> list[dg.AssetCheckResult]:
    """One result for every check of the asset; `unasked` says why one was not asked."""
    by_name = {mode.name: mode for mode in modes}
    return [_result(name, by_name.get(name), unasked) for name in names]


def _result(name: str, mode: "FailureMode | None", unasked: str) -> dg.AssetCheckResult:
    metadata: dict[str, Any] = {}
    if mode is not None and mode.value is not None:
        metadata = {"measured": dg.MetadataValue.float(mode.value), "at_most": dg.MetadataValue.float(mode.most)}
    return dg.AssetCheckResult(
        check_name=name,
        passed=mode is None or not mode.exceeds,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"Not asked: {unasked}" if mode is None else mode.told,
        metadata=metadata,
    )


def _table(of: str, rows: "Mapping[str, Found]") -> dg.TableMetadataValue:
    return dg.MetadataValue.table([dg.TableRecord(_row(of, name, found)) for name, found in rows.items()])


def _row(of: str, name: str, found: "Found") -> dict[str, str | int | float | bool | None]:
    return {
        of: name,
        "questions": found.questions,
        **{metric.replace("@", "_at_"): _told(found, metric) for metric in SHOWN},
    }


def _told(found: "Found", metric: str) -> str:
    one = found.metrics[metric]
    return f"{one.mean:.3f} ({one.low:.2f} to {one.high:.2f})"


def _by_leg(found: "RetrievalQuality") -> str:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(_COLOURS)
    for place, (metric, colour) in enumerate(_COLOURS.items()):
        means = [one.metrics[metric] for one in found.legs.values()]
        at = [number + (place - 1.5) * width for number in range(len(means))]
        around = [[one.mean - one.low for one in means], [one.high - one.mean for one in means]]
        heights = [one.mean for one in means]
        axes.bar(at, heights, width, yerr=around, label=metric, color=colour, error_kw={"elinewidth": 0.8})
    axes.set_xticks(range(len(found.legs)), list(found.legs))
    axes.set(ylim=(0, 1), ylabel="with 95 % intervals")
    axes.legend(frameon=False, ncols=4)
    return figure_markdown(figure, "quality by leg")


def _over_time(measured: "Sequence[RetrievalQuality]") -> str:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 2.8), layout="constrained")
    axes = figure.subplots()
    at = range(len(measured))
    for metric, colour in _COLOURS.items():
        fused = [one.legs["fused"].metrics[metric] for one in measured]
        axes.plot(at, [one.mean for one in fused], marker="o", color=colour, label=metric)
        axes.fill_between(at, [one.low for one in fused], [one.high for one in fused], color=colour, alpha=0.1)
    names = [f"release {one.release_id}\n{one.measured_at:%d %b %H:%M}" for one in measured]
    axes.set_xticks(at, names, fontsize=7)
    axes.set(ylim=(0, 1))
    axes.legend(frameon=False, ncols=4, fontsize=8)
    return figure_markdown(figure, "fused quality over time")
