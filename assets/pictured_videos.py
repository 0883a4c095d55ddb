"""Videos in a table of Markdown: by file name, with their first picture."""

from collections.abc import Sequence

from assets.contact_sheet import as_markdown, contact_sheet
from assets.previews import file_name
from lake.store import Lake


class PicturedVideos:
    """What a page needs to know of some videos, read once."""

    def __init__(self, lake: Lake, video_ids: Sequence[str]) -> None:
        from lake.files import first_uris

        self._places = first_uris(lake, video_ids)
        self._pictures = _first_pictures(lake, video_ids)

    def name(self, video_id: str) -> str:
        """The name of its file, as the cell of a table; its id where no file of it is known."""
        return (file_name(self._places.get(video_id, "")) or video_id).replace("|", "\\|")

    def pictures(self, *video_ids: str) -> str:
        """The first pictures of some videos side by side; empty where there is none."""
        jpegs = [self._pictures[each] for each in video_ids if each in self._pictures]
        names = " beside ".join(self.name(each) for each in video_ids)
        return as_markdown(contact_sheet(jpegs), names) if jpegs else ""


def _first_pictures(lake: Lake, video_ids: Sequence[str]) -> dict[str, bytes]:
    """The first keyframe of every video."""
    from lake.schema import KEYFRAMES
    from lake.store import in_list

    keys = lake.read(KEYFRAMES.name, ["keyframe_id", "video_id", "pts_ms"], in_list("video_id", video_ids))
    first: dict[str, str] = {}
    for row in keys.sort_by("pts_ms").to_pylist():
        first.setdefault(row["video_id"], row["keyframe_id"])
    rows = lake.read(KEYFRAMES.name, ["video_id", "jpeg"], in_list("keyframe_id", first.values())).to_pylist()
    return {row["video_id"]: row["jpeg"] for row in rows}
