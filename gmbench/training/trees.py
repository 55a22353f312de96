"""The `spectral` baseline: hand-crafted features and extremely randomised trees.

It takes seconds on a CPU, with no GPU and no network: the bar for a learned method. The trees are
those of Geurts et al. (2006).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gmbench.benchmark.benchmark import Benchmark
from gmbench.benchmark.extra import ExtraGMs
from gmbench.models.targets import class_counts
from gmbench.predictions.predictions import Predictions
from gmbench.progress import Progress
from gmbench.schema import N_CONTINUOUS
from gmbench.training.feature_table import Features, FeatureTable, read_features
from gmbench.training.parsed import ParsedImages
from gmbench.training.parsed_sets import predictions_of, present_sets
from gmbench.training.recipes import require_folder

Array = NDArray[np.float64]

TREES = 50
"""Trees per forest. With `max_features` of 0.2 they match 300 with 0.1 on held-out GMs."""


def fit_trees(
    known: FeatureTable, unseen: Features, benchmark: Benchmark, seed: int
) -> tuple[Array, list[Array]]:
    """Trains the trees and returns their predictions for unseen images.

    Args:
        known: Features of the training images, and labels; every GM has the same weight.
        unseen: Features of the images to predict, shape (others, features).
        benchmark: Defines the normalisation of counts and the classes.
        seed: Seed of the trees.

    Returns:
        Normalised counts, shape (others, 9), and the class probabilities of each head, each of
        shape (others, classes); a class that no training GM has gets probability 0.
    """
    # Takes a second to import, and trained trees do not need it.
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    features, labels, weights = known.features, known.labels[known.gms], known.weights
    options = {"n_estimators": TREES, "min_samples_leaf": 3, "max_features": 0.2, "n_jobs": -1}
    regressor = ExtraTreesRegressor(random_state=seed, **options)
    # Counts are skewed: the squared mean of their roots is closer to most of them than their mean.
    # An extra GM may have a lower count than any of the benchmark's.
    roots = np.sqrt(np.maximum(benchmark.normalise(labels[:, :N_CONTINUOUS]), 0.0))
    regressor.fit(features, roots, weights)
    classifier = ExtraTreesClassifier(random_state=seed, **options)
    classifier.fit(features, labels[:, N_CONTINUOUS:], weights)
    # Threads would sum the trees in the order in which they finish, which changes the last bits.
    regressor.n_jobs = classifier.n_jobs = 1
    heads = []
    for odds, classes, n in zip(
        classifier.predict_proba(unseen), classifier.classes_, class_counts(benchmark), strict=True
    ):
        heads.append(np.zeros((len(unseen), n)))
        heads[-1][:, classes.astype(int)] = odds
    return np.asarray(regressor.predict(unseen)) ** 2, heads


Learner = Callable[[FeatureTable, Features, Benchmark, int], tuple[Array, list[Array]]]
"""A function with the arguments and results of `fit_trees`."""


def spectral(
    benchmark: Benchmark,
    seed: int,
    folder: Path | None,
    extra: Sequence[ExtraGMs] = (),
    progress: Progress | None = None,
) -> Predictions:
    """Trains on the training GMs of each set and predicts its test images.

    Args:
        benchmark: The benchmark of the dataset.
        seed: Seed of the trees.
        folder: The dataset folder.
        extra: GMs to train on in addition to those of the benchmark.
        progress: Progress callback.

    Raises:
        BenchmarkError: There is no dataset folder.
    """
    return _spectral("spectral", benchmark, seed, folder, extra, progress)


def spectral_size_colour(
    benchmark: Benchmark,
    seed: int,
    folder: Path | None,
    extra: Sequence[ExtraGMs] = (),
    progress: Progress | None = None,
) -> Predictions:
    """Does the same as `spectral`, with the size and colours of each image among its features.

    Arguments and errors are those of `spectral`.
    """
    return _spectral("spectral_size_colour", benchmark, seed, folder, extra, progress)


def _spectral(
    name: str,
    benchmark: Benchmark,
    seed: int,
    folder: Path | None,
    extra: Sequence[ExtraGMs],
    progress: Progress | None,
) -> Predictions:
    table = read_features(benchmark, require_folder(name, folder), extra, name, progress)
    return predict_with_trees(benchmark, table, seed, source=name, progress=progress)


def predict_with_trees(
    benchmark: Benchmark,
    table: FeatureTable,
    seed: int,
    training: Mapping[str, Sequence[str]] | None = None,
    learner: Learner = fit_trees,
    source: str = "trees",
    progress: Progress | None = None,
) -> Predictions:
    """Trains and predicts set by set.

    Args:
        benchmark: The benchmark.
        table: Features of all its images, and the labels to train on.
        seed: Seed of the trees.
        training: GMs to train on for each set; by default all that are not in it.
        learner: The function that learns from the features.
        source: Name of the method.
        progress: Progress callback, with the number of sets done.
    """
    parsed = {}
    sets = present_sets(benchmark)
    for done, name in enumerate(sets):
        if progress:
            progress("sets", done, len(sets))
        known = training[name] if training else benchmark.training_gms(name)
        test = benchmark.test_gms(name)
        parsed[name] = parse_gms(benchmark, table, known, test, seed, learner)
    if progress:
        progress("sets", len(parsed), len(parsed))
    return predictions_of(benchmark, source, parsed)


def parse_gms(
    benchmark: Benchmark,
    table: FeatureTable,
    training: Sequence[str],
    test: Sequence[str],
    seed: int,
    learner: Learner = fit_trees,
) -> ParsedImages:
    """Trains on some GMs, and on all extra ones, and parses the images of others.

    Args:
        benchmark: The benchmark.
        table: Features and labels of its images.
        training: Names of the GMs to train on; every GM has the same weight.
        test: Names of the GMs whose images are predicted, in this order.
        seed: Seed of the trees.
        learner: The function that learns from the features.
    """
    rows = [benchmark.index[gm] for gm in training]
    train = np.isin(table.gms, rows) | (table.gms >= len(benchmark.gms))
    unseen = np.concatenate([np.flatnonzero(table.gms == benchmark.index[gm]) for gm in test])
    known = replace(table, features=table.features[train], gms=table.gms[train])
    counts, odds = learner(known, table.features[unseen], benchmark, seed)
    return ParsedImages(counts, np.hstack(odds), class_counts(benchmark))
