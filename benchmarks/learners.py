"""Whether another learner infers more from the features that the trees of `spectral` see.

On GMs that are in no test set (the same as for `gmbench baseline --validation`): the trees, linear
discriminants of the training GMs, the nearest training images in the space of these discriminants,
the mean of the trees and the latter, and `best`, which uses more features and predicts what the
relatives of an image have in common.

    python benchmarks/learners.py                  # mini116
    python benchmarks/learners.py --data my-zoo
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from gmbench.benchmark.benchmark import Benchmark, dataset_folder, load_benchmark
from gmbench.benchmark.cross_validation import validation_benchmark
from gmbench.evaluation.evaluate import evaluate
from gmbench.models.targets import class_counts
from gmbench.schema import N_CONTINUOUS
from gmbench.training.feature_table import Features, FeatureTable, read_features
from gmbench.training.relatives import fit_relatives
from gmbench.training.trees import Learner, fit_trees, predict_with_trees

METRICS = ("l1", "arch_f1", "loss_f1", "skill")
SOFTNESS = 10.0
"""Softness of the probabilities of GMs: a test image is from none of them, so certainty would be
misplaced."""

NEAREST = 20
"""Number of discriminants that span the space in which nearness is measured."""

Array = NDArray[np.float64]
Answer = tuple[Array, list[Array]]


def discriminants(known: FeatureTable, unseen: Features, benchmark: Benchmark, seed: int) -> Answer:
    """Returns the labels of the training GMs, weighted by how probably each made an image."""
    del seed
    rows, gms = np.unique(known.gms, return_inverse=True)
    model = _pipeline(len(rows), None).fit(known.features, gms)
    odds = softmax(model.decision_function(unseen) / SOFTNESS, axis=1)
    return _answer(odds, known.labels[rows], benchmark)


def nearest(known: FeatureTable, unseen: Features, benchmark: Benchmark, seed: int) -> Answer:
    """Returns the labels of the training images, weighted by nearness; all GMs weigh the same."""
    del seed
    rows, gms = np.unique(known.gms, return_inverse=True)
    model = _pipeline(len(rows), NEAREST).fit(known.features, gms)
    own, asked = model.transform(known.features), model.transform(unseen)
    squares = (asked**2).sum(axis=1)[:, None] + (own**2).sum(axis=1) - 2 * asked @ own.T
    near = softmax(np.log(known.weights) - squares / SOFTNESS, axis=1)
    by_gm = np.stack([near[:, gms == gm].sum(axis=1) for gm in range(len(rows))], axis=1)
    return _answer(by_gm, known.labels[rows], benchmark)


def mixed(first: Learner, second: Learner) -> Learner:
    """Returns the mean of two learners: of the square roots of counts, and of probabilities."""

    def both(known: FeatureTable, unseen: Features, benchmark: Benchmark, seed: int) -> Answer:
        one, other = (learn(known, unseen, benchmark, seed) for learn in (first, second))
        counts = ((np.sqrt(one[0]) + np.sqrt(other[0])) / 2) ** 2
        return counts, [(a + b) / 2 for a, b in zip(one[1], other[1], strict=True)]

    return both


LEARNERS: dict[str, Learner] = {
    "trees": fit_trees,
    "discriminants": discriminants,
    "nearest": nearest,
    "trees and nearest": mixed(fit_trees, nearest),
    "best": fit_relatives,
}


def main() -> None:
    """Scores every learner on held-out GMs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="mini116", help="mini116, or a dataset's folder")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    folder = dataset_folder(arguments.data)
    if folder is None:
        parser.error(f"{arguments.data} has labels alone: give a dataset's folder.")
    known = validation_benchmark(load_benchmark(arguments.data))
    few = read_features(known, folder, features="spectral_size_colour")
    many = read_features(known, folder, features="spectral_size_colour", residuals=True)
    print(f"{known.name} {known.version}, seed {arguments.seed}\n")
    print("| learner | " + " | ".join(METRICS) + " |\n|---|" + "---|" * len(METRICS))
    for name, learner in LEARNERS.items():
        table = many if learner is fit_relatives else few
        found = predict_with_trees(known, table, arguments.seed, learner=learner)
        summary = evaluate(found, replicates=0).summary
        cells = [_cell(summary[metric].mean) for metric in METRICS]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def _pipeline(n_gms: int, components: int | None) -> Pipeline:
    model = LinearDiscriminantAnalysis(
        solver="eigen",
        shrinkage=0.1,
        priors=np.full(n_gms, 1 / n_gms),
        n_components=None if components is None else min(components, n_gms - 1),
    )
    return make_pipeline(StandardScaler(), model)


def _answer(odds: Array, labels: Array, benchmark: Benchmark) -> Answer:
    """Returns the labels of GMs, shape (GMs, 25), weighted by `odds`, shape (images, GMs)."""
    roots = np.sqrt(np.maximum(benchmark.normalise(labels[:, :N_CONTINUOUS]), 0.0))
    classes = labels[:, N_CONTINUOUS:].astype(int).T
    heads = [odds @ np.eye(n)[c] for n, c in zip(class_counts(benchmark), classes, strict=True)]
    return (odds @ roots) ** 2, heads


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    main()
