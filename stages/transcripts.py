"""Transcripts: the words of each video's whole sound track, with their times."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from encoders.family import ModelSpec
from encoders.protocols import Transcript
from kernel.identity import fingerprint
from lake.buckets import bucket_of
from lake.files import first_uris
from lake.planning import Plan, have_table, wanted_table
from lake.schema import TRANSCRIPTS, VIDEOS
from media.errors import MediaError
from media.sound import SoundTrack
from media.workers import MediaWorkers
from stages.buffer import WriteBuffer
from stages.decoding import each_located
from stages.models import Models
from stages.report import StageReport, Tally
from stages.scope import Scope

STAGE = "transcripts"
TRANSCRIPTS_PER_WRITE = 100


def plan_transcripts(scope: Scope, spec: ModelSpec) -> Plan:
    """Every video with a sound track should have been transcribed by this transcriber."""
    videos = scope.lake.read(VIDEOS.name, ["video_id"], f"{scope.buckets.where} AND has_audio")["video_id"]
    there = scope.lake.read(TRANSCRIPTS.name, ["video_id", "input_fp", "version"], scope.buckets.where)
    have = have_table(there["video_id"], there["input_fp"], there["version"])
    return scope.plan(STAGE, spec.version, wanted_table(videos, videos), have)


def transcribe_videos(scope: Scope, workers: MediaWorkers, models: Models, scratch: Path) -> StageReport:
    """Transcribes what is new or was transcribed by another version. No model is loaded when there is nothing to do."""
    spec = models.spec("transcriber")
    plan = plan_transcripts(scope, spec)
    tally = Tally(STAGE, spec.version, plan)
    scope.lake.delete(TRANSCRIPTS.name, "video_id", plan.orphaned)
    tally.removed = len(plan.orphaned)
    todo = scope.videos_to_do(plan)
    if todo:
        _transcribe(scope, workers, models, spec, todo, tally, scratch)
        tally.work.update(models.work_since_last_asked(spec))
    return tally.report()


def _transcribe(
    scope: Scope,
    workers: MediaWorkers,
    models: Models,
    spec: ModelSpec,
    todo: Sequence[str],
    tally: Tally,
    scratch: Path,
) -> None:
    scratch.mkdir(parents=True, exist_ok=True)
    transcriber = models.transcriber()
    with (
        tempfile.TemporaryDirectory(dir=scratch, prefix="sound-") as folder,
        scope.progress.task("transcribing", len(todo), "videos") as advance,
        WriteBuffer(partial(_write, scope, spec), max_weight=TRANSCRIPTS_PER_WRITE) as buffer,
    ):

        def sound_all(paths: Sequence[Path]) -> Iterable[tuple[Path, SoundTrack | MediaError]]:
            return workers.sound_all((path, Path(folder) / f"{number}.pcm") for number, path in enumerate(paths))

        for video_id, track in each_located(scope, STAGE, spec.version, todo, tally, sound_all):
            try:
                transcript = transcriber.transcribe(_samples(track))
            except Exception as error:
                # Whatever a model raises is a fact about its input here: one sound track must not stop the others.
                tally.failed(scope.fail(STAGE, video_id, video_id, spec.version, error))
            else:
                buffer.add(_row(video_id, transcript, track, spec.version))
                tally.succeeded(video_id)
                tally.work["videos_transcribed"] += 1
                if track.decode_errors:
                    tally.warnings.append(_damage(scope, video_id, track))
            finally:
                track.path.unlink()
            tally.demand_some_success()
            advance(1)


def _damage(scope: Scope, video_id: str, track: SoundTrack) -> str:
    place = first_uris(scope.lake, [video_id]).get(video_id, video_id)
    return f"{place}: damaged: {track.decode_errors} packets of sound could not be decoded; silence stands for them."


def _samples(track: SoundTrack) -> np.ndarray[Any, np.dtype[np.int16]]:
    if track.samples == 0:
        return np.zeros(0, np.int16)
    # A map, not an array: an hour of sound is read piece by piece.
    return np.memmap(track.path, np.int16, mode="r", shape=(track.samples,))


def _write(scope: Scope, spec: ModelSpec, rows: list[dict[str, Any]]) -> None:
    scope.lake.upsert(TRANSCRIPTS, pa.Table.from_pylist(rows, TRANSCRIPTS.schema))
    scope.failures.clear(STAGE, [row["video_id"] for row in rows], spec.version)


def _row(video_id: str, transcript: Transcript, track: SoundTrack, version: str) -> dict[str, Any]:
    words = [
        {"start_ms": word.start_ms, "end_ms": word.end_ms, "text": word.text, "probability": word.probability}
        for word in transcript.words
    ]
    return {
        "video_id": video_id,
        "bucket": bucket_of(video_id),
        "language": transcript.language,
        "words": words,
        "decode_errors": track.decode_errors,
        "version": version,
        "input_fp": video_id,
        "output_fp": fingerprint(f"{word['start_ms']} {word['end_ms']} {word['text']}" for word in words),
    }
