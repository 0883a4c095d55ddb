"""Word error rate and speed of the transcriber on recordings whose words are known.

    python -m benchmarks.transcription CORPUS

The sound is decoded as `ingest` decodes it. The speed is that of transcription alone, in seconds of sound per second
of CPU time of all threads, loading and decoding left out.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.evaluation_corpus import SpokenReference, spoken_references
from benchmarks.spoken_form import normalisation
from encoders.protocols import SAMPLE_RATE_HZ, Samples, Transcriber
from encoders.registry import load_transcriber, resolve
from kernel.errors import ReelindexError
from media.workers import MediaWorkers


@dataclass(frozen=True, slots=True)
class Transcribed:
    """One recording: errors against the reference, and what it took."""

    name: str
    reference_words: int
    substitutions: int
    deletions: int
    insertions: int
    sound_s: float
    cpu_s: float
    heard: str

    @property
    def errors(self) -> int:
        """Words that are wrong, missing or invented."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def word_error_rate(self) -> float:
        """Errors over the words of the reference; above 1 where much is invented."""
        return self.errors / self.reference_words


def transcribe_all(references: Sequence[SpokenReference], transcriber: Transcriber) -> list[Transcribed]:
    """Transcribe every recording and compare.

    Raises:
        MediaError: A recording's sound cannot be read.
    """
    outcomes = {}
    by_path = {reference.path: reference for reference in references}
    with tempfile.TemporaryDirectory(prefix="reelindex-transcription-") as scratch, MediaWorkers(count=1) as workers:
        jobs = [(path, Path(scratch) / f"{number}.pcm") for number, path in enumerate(by_path)]
        for path, track in workers.sound_all(jobs):
            if isinstance(track, ReelindexError):
                raise track
            samples = np.fromfile(track.path, dtype=np.int16)
            outcomes[path] = _transcribe(by_path[path], samples, transcriber)
    return [outcomes[path] for path in by_path]


def _transcribe(reference: SpokenReference, samples: Samples, transcriber: Transcriber) -> Transcribed:
    import jiwer

    started_s = time.process_time()
    heard = transcriber.transcribe(samples).text
    cpu_s = time.process_time() - started_s
    rules = normalisation()
    found = jiwer.process_words(reference.words, heard, reference_transform=rules, hypothesis_transform=rules)
    return Transcribed(
        name=reference.path.name,
        reference_words=found.hits + found.substitutions + found.deletions,
        substitutions=found.substitutions,
        deletions=found.deletions,
        insertions=found.insertions,
        sound_s=len(samples) / SAMPLE_RATE_HZ,
        cpu_s=cpu_s,
        heard=heard,
    )


def total(outcomes: Sequence[Transcribed]) -> Transcribed:
    """All recordings as one: long ones count for more."""
    return Transcribed(
        name="total",
        reference_words=sum(each.reference_words for each in outcomes),
        substitutions=sum(each.substitutions for each in outcomes),
        deletions=sum(each.deletions for each in outcomes),
        insertions=sum(each.insertions for each in outcomes),
        sound_s=sum(each.sound_s for each in outcomes),
        cpu_s=sum(each.cpu_s for each in outcomes),
        heard="",
    )


def _print(outcomes: Sequence[Transcribed], show_words: bool) -> None:
    print(f"{'recording':<32} {'words':>6} {'sub':>4} {'del':>4} {'ins':>4} {'WER':>7} {'sound s':>8} {'x CPU':>6}")
    for each in (*outcomes, total(outcomes)):
        print(
            f"{each.name:<32} {each.reference_words:>6} {each.substitutions:>4} {each.deletions:>4} "
            f"{each.insertions:>4} {each.word_error_rate:>7.3f} {each.sound_s:>8.1f} {each.sound_s / each.cpu_s:>6.1f}"
        )
        if show_words and each.heard:
            print(f"    {each.heard}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.transcription", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("corpus", type=Path, help="folder with manifest.csv and speech/")
    parser.add_argument("--model", default="faster_whisper:tiny.en", help="transcriber, as in the settings")
    parser.add_argument("--cpu-threads", type=int, default=0, help="0: as ingest does")
    parser.add_argument("--words", action="store_true", help="print what was heard")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    options = parser.parse_args(arguments)
    try:
        references = spoken_references(options.corpus)
        if not references:
            parser.error(f"no recording in {options.corpus}/speech has a reference transcript")
        spec = resolve("transcriber", options.model)
        outcomes = transcribe_all(references, load_transcriber(spec, cpu_threads=options.cpu_threads))
    except ReelindexError as error:
        print(error, file=sys.stderr)
        return 1
    if options.json:
        everything = total(outcomes)
        rows = [{**asdict(each), "word_error_rate": each.word_error_rate} for each in outcomes]
        summary = {**asdict(everything), "word_error_rate": everything.word_error_rate}
        print(json.dumps({"transcriber": spec.version, "recordings": rows, "total": summary}, indent=2))
    else:
        print(f"transcriber {spec.version}")
        _print(outcomes, options.words)
    return 0


if __name__ == "__main__":
    sys.exit(main())
