"""From a ranking to what a person is shown: words, places, and copies folded into the one that they are copies of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lake.files import first_uris
from lake.schema import DOCUMENTS
from lake.store import Lake, in_list
from retrieval.copies import Shown
from retrieval.ranking import Hit
from retrieval.results import Copy, LegHit, Result

_WORDS = ("caption", "transcript", "screen")
_NO_WORDS: Mapping[str, str] = dict.fromkeys(_WORDS, "")


def results_of(lake: Lake, shown: Sequence[Shown], uri_prefix: str) -> tuple[Result, ...]:
    """Adds words and places: two reads, whatever the number of hits.

    Args:
        lake: Where they are.
        shown: Best first.
        uri_prefix: Of several places of a video, one that begins so is named.
    """
    if not shown:
        return ()
    where = in_list("segment_id", [one.hit.segment.segment_id for one in shown])
    rows = lake.read(DOCUMENTS.name, ["segment_id", *_WORDS], where).to_pylist()
    words = {row.pop("segment_id"): row for row in rows}
    videos = [hit.segment.video_id for one in shown for hit in (one.hit, *one.copies)]
    uris = first_uris(lake, videos, preferred_prefix=uri_prefix)
    return tuple(_result(one, uris, words) for one in shown)


def _result(shown: Shown, uris: Mapping[str, str], words: Mapping[str, Mapping[str, str]]) -> Result:
    segment = shown.hit.segment
    start_ms, end_ms = segment.times_ms
    return Result(
        video_id=segment.video_id,
        uri=uris.get(segment.video_id, ""),
        segment_id=segment.segment_id,
        start_ms=start_ms,
        end_ms=end_ms,
        score=shown.hit.score,
        legs={leg: LegHit(candidate.rank, candidate.score) for leg, candidate in shown.hit.by_leg.items()},
        # A new segment may have its visual vector before its document.
        **words.get(segment.segment_id, _NO_WORDS),
        copies=tuple(_copy(hit, uris) for hit in shown.copies),
    )


def _copy(hit: Hit, uris: Mapping[str, str]) -> Copy:
    start_ms, end_ms = hit.segment.times_ms
    return Copy(hit.segment.video_id, uris.get(hit.segment.video_id, ""), hit.segment.segment_id, start_ms, end_ms)
