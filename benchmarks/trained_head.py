"""What a head trained on features finds, and what each part of the recipe is worth.

    python -m benchmarks.trained_head FEATURES.npz [--ablation] [--curves PICTURE.png] [--ship NAME]

`FEATURES.npz` holds `features`, `captions`, `names` and `split` as `training.from_features` reads them. Numbers are
recall of the right picture among the test pictures for every test caption, for the head as its file says it (eight bits
a weight). In the ablation every run has one member and is not trained on the validation split: what is kept is chosen
there, and the test split is printed beside it. Seconds are of the training alone; the captions are embedded before it
and kept.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from encoders.adapter import Head
from encoders.adapter_file import read_header, read_tensors
from encoders.pictures import mean_by_segment, unit
from encoders.protocols import Seen
from kernel.errors import ReelindexError
from kernel.identity import file_digest
from training.evaluation import METRICS, evaluate, found_by, found_by_tower, gains
from training.export import export_head
from training.fit import Fitted, fit
from training.from_features import pairs_from_features
from training.leakage import near_duplicates, without_leaks
from training.pairs import Split, TrainingSet
from training.recipe import Recipe

TOWER = "conse"
UNREGULARISED: Mapping[str, Any] = {
    "dropout": 0.0,
    "weight_decay": 0.0,
    "averaging": 0.0,
    "caption_mixing": False,
    "words": {"dropout": 0.0},
    "patience": 1000,
}
ALONE: dict[str, Any] = {"members": 1, "refit": False, "anchored": False}
ABLATION: Mapping[str, Mapping[str, Any]] = {
    "the recipe, one member": {},
    "no residual on the tower's vector": {"head": {"kind": "mlp", "hidden": 680}},
    "one matrix": {"head": {"kind": "linear"}},
    "no words of its own": {"words": None},
    "no sentence map": {"sentence_map": False},
    "no dropout": {"dropout": 0.0},
    "no dropout of words": {"words": {"dropout": 0.0}},
    "no weight decay": {"weight_decay": 0.0},
    "no caption mixing": {"caption_mixing": False},
    "no averaging of weights": {"averaging": 0.0},
    "noise on features": {"feature_noise": 0.5},
    "SigLIP loss": {"objective": {"kind": "siglip"}},
    "hard negatives": {"hard_negatives": {}},
    "noisy pairs drawn less": {"noise": {}},
    "comparable with the old space": {"compatibility": 0.3},
    "nothing regularised, no early stop": UNREGULARISED,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the tables."""
    asked = _arguments(arguments)
    try:
        pairs = pairs_from_features(asked.features, TOWER, cache_dir=asked.cache)
    except ReelindexError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"pairs: {pairs.counted()}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        whole = _whole(pairs, Path(folder), asked)
        if asked.ablation:
            _ablation(pairs, Path(folder))
    if asked.curves:
        unregularised = fit(pairs, _recipe(ALONE | dict(UNREGULARISED)))
        draw_curves(whole, unregularised, asked.curves)
    return 0


def draw_curves(kept: Fitted, unregularised: Fitted, path: Path) -> None:
    """Training and validation recall against the epoch, of the kept recipe and of one without regularisation."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for place, (fitted, title) in zip(
        figure.subplots(1, 2, sharey=True), ((kept, "the recipe"), (unregularised, "nothing regularised")), strict=True
    ):
        run = fitted.runs[0]
        numbers = [epoch.number for epoch in run.epochs]
        place.plot(numbers, [epoch.train_recall for epoch in run.epochs], color="#c05020", label="training")
        place.plot(numbers, [epoch.val_recall for epoch in run.epochs], color="#2060a0", label="validation")
        place.axvline(run.best, color="#2060a0", linestyle=":", linewidth=0.8)
        place.set(xlabel="epoch", title=title, ylim=(0, 1.02))
        place.legend(frameon=False, loc="lower right")
    figure.axes[0].set_ylabel("mean of recall at 1, 5 and 10")
    figure.savefig(path, dpi=110)
    print(f"curves: {path}")


def _whole(pairs: TrainingSet, folder: Path, asked: argparse.Namespace) -> Fitted:
    began = time.monotonic()
    fitted = fit(pairs, Recipe(), on_epoch=lambda run, epoch: print(".", end="", flush=True))
    took_s = time.monotonic() - began
    path = export_head(fitted.head, pairs, asked.ship or "benchmark", folder)
    print(f"\ntrained in {took_s:.0f} s: {path.name}, {path.stat().st_size:,} bytes")
    print(f"anchor: {fitted.anchor}")
    head = _read(path)
    found, tower = _found(head, pairs, "test"), found_by_tower(pairs, "test")
    measured, before, gained = evaluate(pairs, found), evaluate(pairs, tower), gains(found, tower)
    for name in METRICS:
        one = measured.metrics[name]
        print(
            f"{name:>10}  tower {before.metrics[name].mean:.3f}  head {one.mean:.4f} "
            f"({one.low:.3f} to {one.high:.3f})  gained {gained[name].mean:+.3f} (at least {gained[name].low:+.3f})"
        )
    leakage = near_duplicates(pairs)
    strict = without_leaks(pairs, leakage)
    clean = evaluate(strict, _found(head, strict, "test")).metrics
    print(
        f"{leakage.near} of {leakage.items} test pictures are nearly training pictures, "
        f"{leakage.same_sentences} of {leakage.sentences} captions are training captions; without the pictures: "
        + ", ".join(f"{name} {clean[name].mean:.4f}" for name in ("recall@1", "recall@10"))
    )
    if asked.again:
        again = export_head(fit(pairs, Recipe()).head, pairs, asked.ship or "benchmark", folder / "again")
        print(f"again, the same bytes: {file_digest(again) == file_digest(path)}")
    if asked.ship:
        place = Path(__file__).resolve().parents[1] / "encoders" / "adapters" / f"{asked.ship}.safetensors"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(path.read_bytes())
        print(f"shipped: {place.name}")
    return fitted


def _ablation(pairs: TrainingSet, folder: Path) -> None:
    print("| | val R@1 | val R@10 | test R@1 | test R@5 | test R@10 | training recall | s |")
    print("|---|---|---|---|---|---|---|---|")
    for name, changed in ABLATION.items():
        fitted = fit(pairs, _recipe(ALONE | dict(changed)))
        head = _read(export_head(fitted.head, pairs, "ablation", folder))
        (member,) = fitted.members
        val, test = (evaluate(pairs, _found(head, pairs, split)).metrics for split in ("val", "test"))
        print(
            f"| {name} | {val['recall@1'].mean:.3f} | {val['recall@10'].mean:.3f} "
            + "".join(f"| {test[metric].mean:.3f} " for metric in ("recall@1", "recall@5", "recall@10"))
            + f"| {member.epochs[member.best - 1].train_recall:.2f} | {fitted.duration_s:.0f} |",
            flush=True,
        )


def _recipe(changed: Mapping[str, Any]) -> Recipe:
    return Recipe.model_validate(Recipe().model_dump() | dict(changed))


def _read(path: Path) -> Head:
    return Head(read_tensors(path), read_header(path).words)


def _found(head: Head, pairs: TrainingSet, split: Split) -> Any:
    items = pairs.items(split)
    sentences = pairs.sentences_of(items)
    rows = [
        head.place_pictures(
            Seen(np.asarray(pairs.features[items], dtype=np.float32), np.asarray(pairs.vectors[items], np.float32))
        )
    ]
    words = head.place_sentences(
        np.asarray(pairs.sentences[sentences], dtype=np.float32), [pairs.texts[one] for one in sentences]
    )
    return found_by(pairs, split, unit(mean_by_segment(np.concatenate(rows), [1] * len(items))), words)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("features", type=Path)
    parser.add_argument("--ablation", action="store_true", help="train without each part in turn")
    parser.add_argument("--again", action="store_true", help="train twice and compare the bytes")
    parser.add_argument("--curves", type=Path, help="draw the curves of the recipe and of an unregularised run")
    parser.add_argument(
        "--cache", type=Path, default=Path(".reelindex-bench/caches"), help="where captions' vectors lie"
    )
    parser.add_argument("--ship", help="put the head among those that come with reelindex, under this name")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
