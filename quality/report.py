"""The migration report: a comparison as a page that a person reads before or after a switch."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

from quality.comparison import Comparison, Quality, QueryChange

SHOWN_PER_LIST = 5
ID_CHARACTERS = 8


def migration_report(comparison: Comparison) -> str:
    """Markdown: quality before and after, how much of the answers stays, and the queries that change most."""
    parts = [
        f"### {comparison.version} beside release {comparison.live_release}",
        _stays(comparison),
        *_quality_table(comparison),
        f"![overlap of the first ten answers]({_histogram(comparison.overlap_counts)})",
    ]
    changed = [_side_by_side(change) for change in comparison.changes if change.live != change.candidate]
    if changed:
        parts += ["#### The queries that change most", *changed]
    if comparison.unknown_paths:
        parts.append(
            f"{comparison.unknown_paths} paths of the evaluation file name no video of the lake, "
            f"for instance `{comparison.unknown_example}`."
        )
    return "\n\n".join(parts)


def _stays(comparison: Comparison) -> str:
    correlation = comparison.rank_correlation
    ranks = "" if correlation is None else f"; Spearman's rank correlation is {correlation:.2f} on average"
    return (
        f"Over {comparison.queries} queries, {100 * comparison.overlap_at_10:.0f} % of the first ten videos stay"
        f"{ranks}; the first video changes for {100 * comparison.first_changed:.0f} %."
    )


def _quality_table(comparison: Comparison) -> list[str]:
    live, candidate, difference = comparison.quality_live, comparison.quality_candidate, comparison.difference
    if live is None or candidate is None or difference is None:
        return ["No query has a known answer, so quality was not measured."]
    rows = [
        "| | live | candidate |",
        "|---|---|---|",
        f"| mean reciprocal rank | {live.mean_reciprocal_rank:.3f} | {candidate.mean_reciprocal_rank:.3f} |",
        *(f"| recall@{k} | {_recall(live, k)} | {_recall(candidate, k)} |" for k in live.recall),
    ]
    interval = (
        f"Difference of the mean reciprocal rank over {live.queries} queries: {difference.mean:+.3f}, "
        f"between {difference.low:+.3f} and {difference.high:+.3f} with 90 % confidence."
    )
    return ["\n".join(rows), interval]


def _recall(quality: Quality, k: int) -> str:
    return f"{quality.recall[k]:.3f}"


def _side_by_side(change: QueryChange) -> str:
    wanted = f" (wanted: {_short(change.wanted)})" if change.wanted else ""
    pairs = zip(_first(change.live), _first(change.candidate), strict=True)
    lines = [f"**{_plain(change.query)}**{wanted}: {100 * change.overlap:.0f} % stay", ""]
    lines += ["| | live | candidate |", "|---|---|---|"]
    lines += [
        f"| {place} | {_marked(left, change.wanted)} | {_marked(right, change.wanted)} |"
        for place, (left, right) in enumerate(pairs, start=1)
    ]
    return "\n".join(lines)


def _first(found: Sequence[str]) -> list[str]:
    return [*found[:SHOWN_PER_LIST], *[""] * (SHOWN_PER_LIST - len(found))]


def _marked(video_id: str, wanted: str | None) -> str:
    return f"**{_short(video_id)}**" if video_id and video_id == wanted else _short(video_id)


def _short(video_id: str | None) -> str:
    return (video_id or "")[:ID_CHARACTERS]


def _plain(query: str) -> str:
    # A query is anybody's text: it must not become markup, nor break the table.
    return "".join(" " if one in "|\n\r`*_<>[]()!" else one for one in query)[:120]


def _histogram(counts: Sequence[int]) -> str:
    """The distribution of the overlaps as a PNG inside a data URI: the web UI has no files of ours to point to."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(5, 2.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.bar([tenth / 10 for tenth in range(len(counts))], counts, width=0.09, color="#4f6d7a")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("share of the first ten videos that stays")
    axes.set_ylabel("queries")
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=90)
    return f"data:image/png;base64,{base64.b64encode(written.getvalue()).decode()}"
