"""Whether a zoo's images reveal its labels: spectral features and trees on unseen GMs.

Three questions, each on the same test GMs:

1. Does the probe beat the training GMs' mean and mode, in every set?
2. Does it stop doing so when the labels are shuffled among the GMs?
3. How does it improve with the number of training GMs?

    python benchmarks/zoo_probe.py                       # mini116
    python benchmarks/zoo_probe.py --data my-zoo --extra zoo-2 --extra zoo-3 --figure curve.png

The third is also asked with the GMs of other zoos (`--extra`), added one zoo after another.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from gmbench.benchmark.benchmark import Benchmark, dataset_folder, load_benchmark
from gmbench.benchmark.extra import read_extra
from gmbench.evaluation.comparison import compare
from gmbench.evaluation.evaluate import evaluate
from gmbench.evaluation.result import Evaluation
from gmbench.predictions.predictions import Predictions
from gmbench.predictions.reference import mean_mode
from gmbench.training.feature_table import FeatureTable, read_features
from gmbench.training.trees import predict_with_trees

METRICS = ("l1", "arch_f1", "loss_f1")
SIZES = (13, 26, 52, 104)
DRAWS = 3
"""Number of draws of training GMs, averaged, at each of these sizes except the last."""


def main() -> None:
    """Answers the questions, and fails if the images do not reveal the labels as they should."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="mini116", help="mini116, or the folder of a zoo")
    parser.add_argument(
        "--extra", type=Path, action="append", default=[], help="a zoo to train on too; repeat it"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--figure", type=Path, help="write the scaling curve as PNG")
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    arguments = parser.parse_args()
    found = probe(arguments.data, arguments.extra, arguments.seed)
    if arguments.figure:
        draw(found["scaling"], found["floor"], arguments.figure)
    if arguments.json:
        print(json.dumps(found, indent=1))
    else:
        show(found)
    if not (found["beats_in_every_set"] and found["shuffled_does_not_beat"]):
        sys.exit("The images of this zoo do not tell its labels as they should.")


def probe(data: str, extra_folders: Sequence[Path], seed: int) -> dict[str, Any]:
    """Answers the three questions."""
    benchmark, folder = load_benchmark(data), dataset_folder(data)
    if folder is None:
        sys.exit(f"{data} has labels alone: give a dataset's folder.")
    extra = read_extra(benchmark, extra_folders)
    everything = read_features(benchmark, folder, extra)
    table = first_gms(everything, len(benchmark.gms))
    floor = mean_mode(benchmark)
    probed = predict_with_trees(benchmark, table, seed)
    shuffled = predict_with_trees(benchmark, replace(table, labels=shuffle(benchmark, seed)), seed)
    results = {name: evaluate(p) for name, p in (("probe", probed), ("shuffled", shuffled))}
    base = evaluate(floor)
    return {
        "benchmark": f"{benchmark.name} {benchmark.version}",
        "seed": seed,
        "floor": summary(base),
        "probe": summary(results["probe"]),
        "shuffled": summary(results["shuffled"]),
        "sets": {
            name: {
                metric: [base.sets[name].values[metric], results["probe"].sets[name].values[metric]]
                for metric in METRICS
            }
            for name in benchmark.sets
        },
        "differences": {
            "probe": differences(probed, floor),
            "shuffled": differences(shuffled, floor),
        },
        "beats_in_every_set": all(
            better(metric, results["probe"].sets[name].values[metric], one.values[metric])
            for name, one in base.sets.items()
            for metric in METRICS
        ),
        "shuffled_does_not_beat": not any(
            row["better"] == "probe" for row in differences(shuffled, floor).values()
        ),
        "extra": [one.to_dict() for one in extra],
        "scaling": {
            **scaling(benchmark, table, seed),
            **scaling_beyond(benchmark, everything, [len(one.gms) for one in extra], seed),
        },
    }


def shuffle(benchmark: Benchmark, seed: int) -> np.ndarray:
    """Returns the labels with each column permuted over the GMs independently."""
    generator = np.random.default_rng(seed)
    return np.column_stack([generator.permutation(column) for column in benchmark.labels.T])


def scaling(benchmark: Benchmark, table: FeatureTable, seed: int) -> dict[str, dict[str, Any]]:
    """Returns each metric and its interval by number of training GMs, averaged over the draws."""
    curve = {}
    for size in SIZES:
        draws = 1 if size == max(SIZES) else DRAWS
        found = []
        for draw_number in range(draws):
            order = np.random.default_rng([seed, draw_number]).permutation(len(benchmark.gms))
            names = [benchmark.gms[row].name for row in order]
            training = {
                name: [gm for gm in names if gm in set(benchmark.training_gms(name))][:size]
                for name in benchmark.sets
            }
            predictions = predict_with_trees(benchmark, table, seed, training)
            found.append(summary(evaluate(predictions)))
        curve[str(size)] = {
            metric: np.array([one[metric] for one in found], dtype=float).mean(axis=0).tolist()
            for metric in METRICS
        }
    return curve


def scaling_beyond(
    benchmark: Benchmark, table: FeatureTable, extra: Sequence[int], seed: int
) -> dict[str, dict[str, Any]]:
    """Returns the same for all training GMs plus those of one extra zoo after another."""
    own = len(benchmark.gms) - max(map(len, benchmark.sets.values()))
    curve = {}
    for added in accumulate(extra):
        part = first_gms(table, len(benchmark.gms) + added)
        curve[str(own + added)] = summary(evaluate(predict_with_trees(benchmark, part, seed)))
    return curve


def first_gms(table: FeatureTable, number: int) -> FeatureTable:
    """Returns the images and labels of the first GMs of a table."""
    rows = table.gms < number
    return FeatureTable(table.features[rows], table.gms[rows], table.labels[:number])


def summary(result: Evaluation) -> dict[str, list[float | None]]:
    """Returns the mean and interval of each metric."""
    return {
        metric: [result.summary[metric].mean, *(result.summary[metric].ci or (None, None))]
        for metric in METRICS
    }


def differences(probed: Predictions, floor: Predictions) -> dict[str, dict[str, Any]]:
    """Returns the paired differences from the floor."""
    compared = compare(probed, floor, names=["probe", "floor"])
    return {
        one.metric: {"difference": one.difference, "ci": one.ci, "better": one.better}
        for one in compared.differences
        if one.metric in METRICS
    }


def better(metric: str, value: float | None, than: float | None) -> bool:
    """Returns whether a value of a metric is better than another."""
    assert value is not None
    assert than is not None
    return value < than if metric == "l1" else value > than


def draw(
    curve: Mapping[str, Mapping[str, Sequence[float]]],
    floor: Mapping[str, Sequence[float]],
    path: Path,
) -> None:
    """Draws the scaling curve, one panel per metric, with intervals and the floor."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(METRICS), figsize=(10, 3.2), layout="constrained")
    titles = {"l1": "l1 \u2193", "arch_f1": "architecture F1 \u2191", "loss_f1": "loss F1 \u2191"}
    for axis, metric in zip(axes, METRICS, strict=True):
        sizes = [int(size) for size in curve]
        means, low, high = zip(*(curve[size][metric] for size in curve), strict=True)
        axis.fill_between(sizes, low, high, color="#2b6cb0", alpha=0.15, linewidth=0)
        axis.plot(sizes, means, marker="o", color="#2b6cb0", label="spectral")
        axis.axhline(floor[metric][0], color="#718096", linestyle="--", label="mean / mode of 112")
        axis.set_xscale("log", base=2)
        axis.set_xticks(sizes, [str(size) for size in sizes])
        axis.minorticks_off()
        axis.set_title(titles[metric], fontsize=11)
        axis.set_xlabel("training GMs")
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(axis="y", alpha=0.25)
    axes[0].legend(frameon=False, fontsize=9)
    figure.savefig(path, dpi=120)


def show(found: Mapping[str, Any]) -> None:
    """Prints the answers as Markdown tables."""

    def cell(values: Sequence[float | None]) -> str:
        mean, low, high = values
        return f"{mean:.3f} ({low:.3f} to {high:.3f})"

    print(f"{found['benchmark']}, seed {found['seed']}\n")
    print("| trained on | " + " | ".join(METRICS) + " |\n|---|" + "---|" * len(METRICS))
    for name, label in (
        ("floor", "mean and mode"),
        ("probe", "images, true labels"),
        ("shuffled", "images, shuffled labels"),
    ):
        print(f"| {label} | " + " | ".join(cell(found[name][m]) for m in METRICS) + " |")
    print("\n| set | " + " | ".join(METRICS) + " |\n|---|" + "---|" * len(METRICS))
    for name, values in found["sets"].items():
        cells = [f"{values[m][0]:.3f} -> {values[m][1]:.3f}" for m in METRICS]
        print(f"| {name} | " + " | ".join(cells) + " |")
    print("\n| training GMs | " + " | ".join(METRICS) + " |\n|---|" + "---|" * len(METRICS))
    for size, values in found["scaling"].items():
        print(f"| {size} | " + " | ".join(cell(values[m]) for m in METRICS) + " |")
    for name, rows in found["differences"].items():
        for metric, row in rows.items():
            low, high = row["ci"]
            print(f"{name} - floor, {metric}: {row['difference']:+.3f} ({low:+.3f} to {high:+.3f})")


if __name__ == "__main__":
    main()
