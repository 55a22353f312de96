"""The `best` baseline: which known GMs made images like this one, and what they have in common.

A GM that was never seen still has relatives: published GMs come in families, and what one family
has in common shows in its images. So each image gets shares of the training GMs that sum to 1, by
trees and by linear discriminants alike, and everything else follows from the shares: a class or a
loss is as probable as the share of the GMs that have it, a count is the weighted median of theirs,
which is what the mean absolute error asks for.

Both learners know GMs apart better than they know relatives, and are too sure of themselves. So a
part of the shares is taken back and given to all training GMs alike, where counts and losses are
read off: the maker may be like none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.ensemble import ExtraTreesRegressor
from threadpoolctl import threadpool_limits

from gmbench.benchmark.benchmark import Benchmark
from gmbench.benchmark.extra import ExtraGMs
from gmbench.models.targets import class_counts
from gmbench.predictions.predictions import Predictions
from gmbench.progress import Progress
from gmbench.schema import N_CONTINUOUS, N_DISCRETE
from gmbench.training.feature_table import Features, FeatureTable, read_features
from gmbench.training.recipes import require_folder
from gmbench.training.trees import predict_with_trees

Array = NDArray[np.float64]

IMAGES = 16
"""Images of a GM that are learnt from, spread evenly: it is GMs that there are too few of."""

TREES = 60
DIRECTIONS = 12
"""Principal directions of the labels, which the trees are grown to tell apart."""

ISOTROPIC = 0.7
"""Share of the covariance within GMs that is the same in all directions."""

SOFTNESS = 0.2
"""How much of their spread the discriminants must differ by to differ e-fold in share."""

UNLIKE = 0.3
"""Part of the shares that all GMs get alike before counts and losses are read off."""

RARE = 0.2
"""Power of a class's rate that its probability is divided by: rare classes are said more often."""

_FARTHEST = 4.0
"""Features are clipped so many standard deviations from their mean."""


def best(
    benchmark: Benchmark,
    seed: int,
    folder: Path | None,
    extra: Sequence[ExtraGMs] = (),
    progress: Progress | None = None,
) -> Predictions:
    """Trains on each set's training GMs and predicts its test images.

    Args:
        benchmark: The benchmark of the dataset.
        seed: Seed of the trees.
        folder: The dataset folder.
        extra: GMs to train on beside those of the benchmark.
        progress: Told how far the work is.

    Raises:
        BenchmarkError: There is no dataset folder.
    """
    place = require_folder("best", folder)
    table = read_features(benchmark, place, extra, "spectral_size_colour", progress, residuals=True)
    return predict_with_trees(
        benchmark, table, seed, learner=fit_relatives, source="best", progress=progress
    )


def fit_relatives(
    known: FeatureTable, unseen: Features, benchmark: Benchmark, seed: int
) -> tuple[Array, list[Array]]:
    """Finds the relatives of unseen images among known GMs, and says what follows.

    Args:
        known: Features of the images to train on, and labels.
        unseen: Features of the images to predict, shape (others, features).
        benchmark: Says how counts are normalised and which classes there are.
        seed: Seed of the trees.

    Returns:
        Normalised counts, shape (others, 9), and the probabilities of each head's classes, each of
        shape (others, classes); a class that no training GM has is impossible.
    """
    rows, gms = np.unique(known.gms, return_inverse=True)
    taken = np.concatenate([_spread(np.flatnonzero(gms == gm)) for gm in range(len(rows))])
    features, gms, labels = known.features[taken], gms[taken], known.labels[rows]
    weights = 1.0 / np.bincount(gms)[gms]
    shares = (
        tree_shares(features, gms, weights, _directions(labels, benchmark), unseen, seed)
        + discriminant_shares(features, gms, weights, unseen)
    ) / 2
    return said_by_relatives(shares, labels, benchmark)


def tree_shares(
    features: Features,
    gms: NDArray[np.int64],
    weights: Array,
    targets: Array,
    unseen: Features,
    seed: int,
) -> Array:
    """Returns how often each GM's images fall into the leaves of an unseen image.

    Args:
        features: Of the images to train on, shape (images, features).
        gms: Number of each image's GM, from 0, shape (images,).
        weights: Of these images, shape (images,).
        targets: What the trees tell apart, shape (GMs, targets).
        unseen: Features of other images, shape (others, features).
        seed: Seed of the trees.

    Returns:
        Shape (others, GMs), rows that sum to 1.
    """
    forest = ExtraTreesRegressor(
        TREES, min_samples_leaf=3, max_features=0.1, random_state=seed, n_jobs=-1
    )
    forest.fit(features, targets[gms], weights)
    total = np.zeros((len(unseen), len(targets)))
    for own, others in zip(forest.apply(features).T, forest.apply(unseen).T, strict=True):
        within = np.zeros((own.max() + 1, len(targets)))
        np.add.at(within, (own, gms), weights)
        leaf = within[others]
        total += leaf / leaf.sum(axis=1, keepdims=True)
    return total / TREES


def discriminant_shares(
    features: Features, gms: NDArray[np.int64], weights: Array, unseen: Features
) -> Array:
    """Returns how near an unseen image is to each GM, by Fisher's linear discriminants.

    Takes and returns what `tree_shares` does.
    """
    mean = np.average(features, axis=0, weights=weights)
    scale = np.sqrt(np.average((features - mean) ** 2, axis=0, weights=weights)) + 1e-6
    own, others = (
        np.clip((part - mean) / scale, -_FARTHEST, _FARTHEST) for part in (features, unseen)
    )
    membership = np.equal.outer(np.arange(gms.max() + 1), gms) * weights
    centres = membership @ own
    within = own - centres[gms]
    # Threads would add up in another order, which differs in the last bits.
    with threadpool_limits(1):
        covariance = (within.T * weights) @ within / weights.sum()
        covariance *= 1 - ISOTROPIC
        isotropic = ISOTROPIC / (1 - ISOTROPIC) * np.trace(covariance) / len(covariance)
        covariance[np.diag_indices_from(covariance)] += isotropic
        directions = np.linalg.solve(covariance, centres.T)
        threshold = 0.5 * (centres.T * directions).sum(axis=0)
        near, known = others @ directions - threshold, own @ directions - threshold
    spread = np.average(known.std(axis=1), weights=weights)
    return np.asarray(softmax(near / (SOFTNESS * spread), axis=1))


def said_by_relatives(
    shares: Array, labels: Array, benchmark: Benchmark
) -> tuple[Array, list[Array]]:
    """Returns what GMs say together, each as loud as its share.

    Args:
        shares: Of each GM in each image, shape (images, GMs), rows that sum to 1.
        labels: Label values of the GMs, shape (GMs, 25).
        benchmark: Says how counts are normalised and which classes there are.

    Returns:
        What `fit_relatives` returns.
    """
    careful = (1 - UNLIKE) * shares + UNLIKE / len(labels)
    counts = benchmark.normalise(labels[:, :N_CONTINUOUS])
    heads = []
    classes = labels[:, N_CONTINUOUS:].astype(int).T
    for head, (n, of_gm) in enumerate(zip(class_counts(benchmark), classes, strict=True)):
        has = np.eye(n)[of_gm]
        if head >= N_DISCRETE:
            heads.append(careful @ has)
            continue
        odds = shares @ has / np.maximum(has.mean(axis=0), 1 / len(labels)) ** RARE
        heads.append(odds / odds.sum(axis=1, keepdims=True))
    return np.column_stack([_medians(careful, column) for column in counts.T]), heads


def _medians(shares: Array, values: Array) -> Array:
    """The least value that half of the shares do not exceed, shape (images,)."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(shares[:, order], axis=1) >= 0.5 - 1e-12
    return np.asarray(values[order][reached.argmax(axis=1)])


def _directions(labels: Array, benchmark: Benchmark) -> Array:
    """The labels' principal directions: roots of the counts, classes and losses as 0 or 1."""
    roots = np.sqrt(np.maximum(benchmark.normalise(labels[:, :N_CONTINUOUS]), 0.0))
    classes = labels[:, N_CONTINUOUS:].astype(int).T
    ones = [np.eye(n)[of_gm] for n, of_gm in zip(class_counts(benchmark), classes, strict=True)]
    targets = np.hstack([2 * roots, *ones])
    targets -= targets.mean(axis=0)
    _, _, directions = np.linalg.svd(targets, full_matrices=False)
    return np.asarray(targets @ directions[:DIRECTIONS].T)


def _spread(images: NDArray[np.int64]) -> NDArray[np.int64]:
    """At most `IMAGES` of them, evenly."""
    chosen = np.linspace(0, len(images) - 1, min(len(images), IMAGES)).astype(int)
    return np.asarray(images[chosen])
