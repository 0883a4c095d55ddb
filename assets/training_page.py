"""What the assets of a training show: the pairs, the curves, what the head finds, and what it confuses."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.figures import figure_markdown

if TYPE_CHECKING:
    from training.evaluation import Evaluation
    from training.gather import PairSource
    from training.pairs import TrainingSet
    from training.session import Evaluated, Session
    from training.zero_shot import ZeroShot

EXAMPLES = 10
CLASSES_DRAWN = 30
COMPARED = ("recall@1", "recall@5", "recall@10", "mrr", "ndcg@10")


def set_page(pairs: "TrainingSet", source: "PairSource") -> dict[str, Any]:
    """The metadata of a training set."""
    sample = [
        dg.TableRecord({"item": pairs.names[item], "sentence": text})
        for item, text in list(zip(pairs.item_of.tolist(), pairs.texts, strict=True))[:EXAMPLES]
    ]
    return {
        "from": source.in_words(),
        "tower": pairs.tower_version,
        "data_fingerprint": pairs.fingerprint(),
        **pairs.counted(),
        "the_first_pairs": dg.MetadataValue.table(sample),
    }


def trained_page(session: "Session") -> dict[str, Any]:
    """The metadata of a trained head: where it comes from, and its curves."""
    training = session.training
    return {
        "version": training.version,
        "what_happened": "Trained now." if session.is_new else "The same was trained before; nothing was done.",
        "to_make_it_the_candidate": f"write this line under [models] in reelindex.toml: {session.reference}",
        "file": dg.MetadataValue.path(training.path),
        "curves": dg.MetadataValue.md(curves_markdown(training.epochs)),
        "runs": dg.MetadataValue.table([_run(run) for run in training.epochs]),
        "duration_s": round(training.duration_s, 1),
        "parent": training.parent,
        "seed": training.seed,
        "code": training.code,
        "data_fingerprint": training.data_fp,
        "data": dg.MetadataValue.json(dict(training.data)),
        "anchor": dg.MetadataValue.json(dict(training.anchor)),
        "recipe": dg.MetadataValue.json(dict(training.recipe)),
    }


def evaluation_page(evaluated: "Evaluated") -> dict[str, Any]:
    """The metadata of an evaluation: the numbers beside the tower's, where it is weak, and examples."""
    head = evaluated.head.metrics
    return {
        "version": evaluated.training.version,
        "test_items": evaluated.head.items,
        "test_sentences": evaluated.head.sentences,
        **{name.replace("@", "_at_"): round(head[name].mean, 4) for name in COMPARED},
        "beside_the_tower": dg.MetadataValue.table(_beside(evaluated)),
        "by_part": dg.MetadataValue.table(_strata(evaluated.head)),
        "disturbed_queries": dg.MetadataValue.table(
            [dg.TableRecord(_rounded(one.to_dict())) for one in evaluated.disturbed]
        ),
        "leakage": dg.MetadataValue.json(evaluated.leakage.to_dict()),
        "nearly_seen_in_training": f"{evaluated.leakage.near} of {evaluated.leakage.items} test items",
        **_zero_shot(evaluated.zero_shot),
        "hardest_sentences": dg.MetadataValue.table(_examples(evaluated)),
    }


def _run(run: Mapping[str, Any]) -> dg.TableRecord:
    kept = run["epochs"][run["best"] - 1]
    return dg.TableRecord(
        {
            "seed": run["seed"],
            "epochs": len(run["epochs"]),
            "kept": run["best"],
            "val_recall": "trained on" if kept["val_recall"] is None else f"{kept['val_recall']:.4f}",
            "train_recall": f"{kept['train_recall']:.4f}",
            "distrusted_share": round(run["distrusted"], 4),
            "seconds": round(run["duration_s"], 1),
        }
    )


def curves_markdown(runs: Sequence[Mapping[str, Any]]) -> str:
    """Loss, training recall and, where there is one, validation recall of each run, as a picture in Markdown."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes in (left, right):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    said = set()
    for run in runs:
        numbers = [epoch["number"] for epoch in run["epochs"]]
        left.plot(numbers, [epoch["loss"] for epoch in run["epochs"]], color="#555555", alpha=0.7)
        for key, colour, label in (("train_recall", "#c05020", "training"), ("val_recall", "#2060a0", "validation")):
            values = [epoch[key] for epoch in run["epochs"]]
            if None not in values:
                right.plot(numbers, values, color=colour, alpha=0.7, label=None if label in said else label)
                said.add(label)
                if key == "val_recall":
                    right.axvline(run["best"], color=colour, linestyle=":", linewidth=0.8)
    left.set(xlabel="epoch", ylabel="loss")
    right.set(xlabel="epoch", ylabel="mean of recall at 1, 5, 10", ylim=(0, 1))
    right.legend(frameon=False)
    return f"Dotted: the epoch that validation chose.\n\n{figure_markdown(figure, 'curves')}"


def _beside(evaluated: "Evaluated") -> list[dg.TableRecord]:
    rows = []
    for name in COMPARED:
        head, tower, gained = evaluated.head.metrics[name], evaluated.tower.metrics[name], evaluated.gained[name]
        rows.append(
            dg.TableRecord(
                {
                    "metric": name,
                    "tower": round(tower.mean, 4),
                    "head": round(head.mean, 4),
                    "head_95_percent": f"{head.low:.3f} to {head.high:.3f}",
                    "gained": round(gained.mean, 4),
                    "gained_90_percent": f"{gained.low:+.3f} to {gained.high:+.3f}",
                    "item_to_sentence": round(evaluated.head.back[name].mean, 4),
                }
            )
        )
    return rows


def _strata(evaluation: "Evaluation") -> list[dg.TableRecord]:
    return [
        dg.TableRecord(
            {"part": part, "sentences": count, **{name: round(metrics[name].mean, 4) for name in COMPARED[:3]}}
        )
        for part, (count, metrics) in evaluation.strata.items()
    ]


def _zero_shot(found: "ZeroShot | None") -> dict[str, Any]:
    if found is None:
        return {"zero_shot": "not measured: fewer than two classes are known of the test items"}
    confused = [
        dg.TableRecord({"class": true, "taken_for": taken, "items": count})
        for true, taken, count in found.most_confused
    ]
    return {
        "zero_shot_accuracy": round(found.accuracy, 4),
        "zero_shot_95_percent": f"{found.low:.3f} to {found.high:.3f}",
        "zero_shot_balanced": round(found.balanced, 4),
        "zero_shot_among_five": round(found.among_five, 4),
        "confusion": dg.MetadataValue.md(confusion_markdown(found)),
        "most_confused": dg.MetadataValue.table(confused),
    }


def confusion_markdown(found: "ZeroShot") -> str:
    """The confusion of at most thirty classes, those with the most items, as a picture in Markdown."""
    import numpy as np
    from matplotlib.figure import Figure

    counts = np.array(found.confusion)
    shown = np.sort(np.argsort(-counts.sum(1), kind="stable")[:CLASSES_DRAWN])
    names = [found.classes[place] for place in shown]
    side_in = 2.5 + 0.22 * len(shown)
    figure = Figure(figsize=(side_in, side_in), layout="constrained")
    axes = figure.subplots()
    part = counts[np.ix_(shown, shown)] / np.maximum(counts[shown].sum(1, keepdims=True), 1)
    image = axes.imshow(part, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(shown)), names, rotation=90)
    axes.set_yticks(range(len(shown)), names)
    axes.set(xlabel="taken for", ylabel="class")
    figure.colorbar(image, shrink=0.6, label="share of the class")
    return figure_markdown(figure, "confusion")


def _examples(evaluated: "Evaluated") -> list[dg.TableRecord]:
    """The sentences whose item stands lowest, and what item that is: often they are not about it."""
    found, pairs = evaluated.found, evaluated.pairs
    worst = (-found.ranks).argsort(kind="stable")[:EXAMPLES]
    return [
        dg.TableRecord(
            {
                "sentence": pairs.texts[int(found.sentences[place])],
                "item": pairs.names[int(pairs.item_of[found.sentences[place]])],
                "rank": int(found.ranks[place]),
            }
        )
        for place in worst
    ]


def _rounded(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in row.items()}
