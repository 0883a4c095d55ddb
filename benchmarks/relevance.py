"""How well search finds the video that a query was written for, by leg and fused.

    reelindex ingest CORPUS/videos --home HOME
    python -m benchmarks.relevance CORPUS HOME [--ablation]

With `--ablation` the fusion of the settings is asked, and that fusion with one of its parts taken away at a time.

Recall@k is the share of queries whose own video is among the first k distinct videos; more than one video can fit a
query, so it understates. The mean reciprocal rank counts a video beyond the first `--limit` as not found.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from benchmarks.evaluation_corpus import LabelledQuery, labelled_queries
from benchmarks.ranks import RECALL_AT, Relevance, rank_of, relevance
from kernel.errors import ReelindexError
from kernel.identity import video_id_of
from lake.releases import Releases
from lake.store import Lake
from retrieval import Index, open_index
from retrieval.legs import LEGS
from settings.model import SearchSettings

QUERY_FILES = ("queries.csv", "queries_spoken.csv")
FUSED = "fused"
_SETTLED = SearchSettings()
_RANKS = SearchSettings(fuse="ranks", text=0.1)
ABLATION: Mapping[str, Mapping[str, float]] = {
    "as settled": _SETTLED.fusion(),
    "no context": _SETTLED.model_copy(update={"context": 0.0}).fusion(),
    **{f"no {leg}": {**_SETTLED.fusion(), leg: 0.0} for leg in ("caption", "transcript", "text", "visual")},
    "all weights 1": {**_SETTLED.fusion(), **dict.fromkeys(LEGS, 1.0)},
    "by ranks": _RANKS.fusion(),
}
"""Fusions by what is different in them; the weights by ranks are those that were chosen for ranks."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One file of queries against one leg, or against all legs of the release fused."""

    queries_file: str
    leg: str
    relevance: Relevance


def measure(index: Index, queries: Sequence[LabelledQuery], leg: str, limit: int) -> Relevance:
    """Ask every query of one leg, or of the release's own fusion for `FUSED`.

    Raises:
        OSError: The video of a query cannot be read.
        RetrievalError: The release does not have the leg.
    """
    wanted_ids = {video: video_id_of(video) for video in {query.video for query in queries}}
    legs = None if leg == FUSED else (leg,)
    ranks = []
    for query in queries:
        answer = index.search(query.text, limit=limit, legs=legs)
        wanted = wanted_ids[query.video]
        ranks.append(rank_of(wanted, answer.video_ids([wanted])))
    return relevance(ranks)


def _by_leg(options: argparse.Namespace) -> list[Measured]:
    with open_index(options.home / "lake", cache_dir=options.home / "caches") as index:
        return [
            Measured(name, leg, measure(index, labelled_queries(options.corpus, name), leg, options.limit))
            for name in QUERY_FILES
            for leg in (*LEGS, FUSED)
        ]


def _ablated(options: argparse.Namespace) -> list[Measured]:
    live = Releases(Lake(options.home / "lake", create=False)).live()
    rows = []
    for what, fusion in ABLATION.items():
        release = replace(live, fusion=fusion)
        with open_index(options.home / "lake", cache_dir=options.home / "caches", release=release) as index:
            for name in QUERY_FILES:
                queries = labelled_queries(options.corpus, name)
                rows.append(Measured(name, what, measure(index, queries, FUSED, options.limit)))
    return sorted(rows, key=lambda row: row.queries_file)


def _print(rows: Sequence[Measured]) -> None:
    heads = " ".join(f"{f'R@{k}':>6}" for k in RECALL_AT)
    print(f"{'queries':<20} {'n':>4} {'leg':<14} {heads} {'MRR':>6}")
    for row in rows:
        values = " ".join(f"{row.relevance.recall[k]:>6.3f}" for k in RECALL_AT)
        found = row.relevance
        print(f"{row.queries_file:<20} {found.queries:>4} {row.leg:<14} {values} {found.mean_reciprocal_rank:>6.3f}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.relevance", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("corpus", type=Path, help=f"folder with {' and '.join(QUERY_FILES)}")
    parser.add_argument("home", type=Path, help="home of an ingest of the corpus's videos")
    parser.add_argument("--limit", type=int, default=50, help="videos looked at per query (default: %(default)s)")
    parser.add_argument("--ablation", action="store_true", help="ask fusions that lack a part, instead of legs")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    if options.limit < max(RECALL_AT):
        parser.error(f"--limit must be at least {max(RECALL_AT)}")
    try:
        rows = _ablated(options) if options.ablation else _by_leg(options)
    except (ReelindexError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        _print(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
