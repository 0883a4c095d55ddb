"""Making the demo corpus: every file whole or not at all, and none made twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeAlias

from orchestration.demo_corpus.narrated_video import picture_of, write_narrated_video
from orchestration.demo_corpus.narration import load_voice
from orchestration.demo_corpus.real_clips import REAL_CLIPS, RealClip, copy_clip, source_of
from orchestration.demo_corpus.screenplay import NARRATED_VIDEOS, NarratedVideo

Maker: TypeAlias = Callable[[Path], None]
"""Writes one video to the path it is given."""


def demo_file_names() -> list[str]:
    """The names of the corpus's files, in the order they are made."""
    return _names(REAL_CLIPS, NARRATED_VIDEOS)


def make_demo_corpus(folder: Path, on_made: Callable[[Path], None] | None = None) -> list[Path]:
    """Fill `folder` with the demo's videos: real clips as they are, and pictures narrated by a voice.

    A file that is there already is kept, so that a second call costs nothing; a file appears under its name only when
    it is whole. The same packages on the same machine make the same bytes.

    Args:
        folder: Made if it does not exist. Other files in it are left alone.
        on_made: Called with each file of the corpus once it is whole, those that were there already included.

    Returns:
        The corpus's files, in the order of `demo_file_names()`.

    Raises:
        DemoMaterialMissing: A package of the extra `demo` is not installed. Nothing has been made.
        OSError: The folder cannot be written.
    """
    return make_videos(folder, REAL_CLIPS, NARRATED_VIDEOS, on_made)


def make_videos(
    folder: Path,
    clips: Sequence[RealClip],
    narrated: Sequence[NarratedVideo],
    on_made: Callable[[Path], None] | None = None,
) -> list[Path]:
    """Make a chosen part of the corpus, as `make_demo_corpus` makes all of it."""
    folder.mkdir(parents=True, exist_ok=True)
    makers = _makers(
        [clip for clip in clips if not (folder / clip.file_name).exists()],
        [video for video in narrated if not (folder / video.file_name).exists()],
    )
    paths = [folder / name for name in _names(clips, narrated)]
    for path in paths:
        maker = makers.get(path.name)
        if maker is not None:
            _make_whole(path, maker)
        if on_made is not None:
            on_made(path)
    return paths


def _names(clips: Sequence[RealClip], narrated: Sequence[NarratedVideo]) -> list[str]:
    return [*(clip.file_name for clip in clips), *(video.file_name for video in narrated)]


def _makers(clips: Sequence[RealClip], narrated: Sequence[NarratedVideo]) -> dict[str, Maker]:
    """How to make each file, by name. What is not installed is found here, before the first file is made."""
    for clip in clips:
        source_of(clip)
    for video in narrated:
        for shot in video.shots:
            picture_of(shot)
    makers: dict[str, Maker] = {clip.file_name: partial(copy_clip, clip) for clip in clips}
    if narrated:
        voice = load_voice()
        makers |= {video.file_name: partial(write_narrated_video, video, voice=voice) for video in narrated}
    return makers


def _make_whole(path: Path, maker: Maker) -> None:
    # No video suffix: a scan of the folder meanwhile must not take the half-written file for a video.
    unfinished = path.with_name(f".{path.name}.part")
    try:
        maker(unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
