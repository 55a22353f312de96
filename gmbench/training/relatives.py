"""The `best` baseline: which known GMs made images like this one, and what they have in common.

An unseen GM still has relatives: published GMs come in families, and what a family has in common
shows in its images. So trees and linear discriminants each give an image shares of the training
GMs that sum to 1, and everything else follows from the shares: a loss is as probable as the share
of the GMs that have it, a class likewise with a correction in favour of rare ones, and a count is
the weighted median of theirs, which is what the mean absolute error calls for.

Both learners are better at telling GMs apart than at recognising relatives, and are overconfident.
So before counts and losses are read off, a part of the shares is redistributed evenly over all
training GMs: the maker may be like none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gmbench.benchmark.benchmark import Benchmark
from gmbench.benchmark.extra import ExtraGMs
from gmbench.models.targets import class_counts
from gmbench.predictions.predictions import Predictions
from gmbench.progress import Progress
from gmbench.schema import N_CONTINUOUS, N_DISCRETE
from gmbench.training.discriminants import Discriminants
from gmbench.training.feature_table import Features, FeatureTable, read_features
from gmbench.training.leaf_trees import LeafTrees
from gmbench.training.recipes import require_folder
from gmbench.training.trees import predict_with_trees

Array = NDArray[np.float64]

IMAGES = 16
"""Most images of a GM to learn from, evenly spread: it is GMs that there are too few of."""

DIRECTIONS = 12
"""Number of principal directions of the labels, which the trees are grown to tell apart."""

UNLIKE = 0.3
"""Part of the shares spread evenly over all GMs before counts and losses are read off."""

RARE = 0.2
"""Power of a class's rate that divides its probability: rare classes are predicted more often."""


def best(
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
    place = require_folder("best", folder)
    table = read_features(benchmark, place, extra, "spectral_size_colour", progress, residuals=True)
    return predict_with_trees(
        benchmark, table, seed, learner=fit_relatives, source="best", progress=progress
    )


def fit_relatives(
    known: FeatureTable, unseen: Features, benchmark: Benchmark, seed: int
) -> tuple[Array, list[Array]]:
    """Finds the relatives of unseen images among known GMs, and returns what they predict.

    Args:
        known: Features of the training images, and labels.
        unseen: Features of the images to predict, shape (others, features).
        benchmark: Defines the normalisation of counts and the classes.
        seed: Seed of the trees.

    Returns:
        Normalised counts, shape (others, 9), and the class probabilities of each head, each of
        shape (others, classes); a class that no training GM has gets probability 0.
    """
    rows, gms = np.unique(known.gms, return_inverse=True)
    labels = known.labels[rows]
    relatives = Relatives.fit(known.features, gms, directions_of(labels, benchmark), seed)
    return said_by_relatives(relatives.shares(unseen), labels, benchmark)


@dataclass(frozen=True)
class Relatives:
    """Recognises GMs by their images: trees and discriminants, with equal weight."""

    trees: LeafTrees
    discriminants: Discriminants

    @classmethod
    def fit(
        cls,
        features: Features,
        gms: NDArray[np.int64],
        targets: Array,
        seed: int,
        copies: Sequence[Features] = (),
    ) -> Relatives:
        """Learns to recognise GMs.

        Args:
            features: Features of the training images, shape (images, features).
            gms: Index of each image's GM, from 0, shape (images,).
            targets: What the trees learn to tell apart, shape (GMs, targets).
            seed: Seed of the trees.
            copies: Features of changed copies of the same images, each of that shape; every copy
                has the weight of its image.
        """
        taken = np.concatenate([spread(np.flatnonzero(gms == gm)) for gm in range(len(targets))])
        features = np.concatenate([one[taken] for one in (features, *copies)])
        gms = np.tile(gms[taken], 1 + len(copies))
        weights = 1.0 / np.bincount(gms)[gms]
        trees = LeafTrees.fit(features, gms, weights, targets, seed)
        return cls(trees, Discriminants.fit(features, gms, weights))

    def shares(self, unseen: Features) -> Array:
        """Returns each GM's share in images, shape (images, GMs); rows sum to 1.

        Args:
            unseen: Features of images, shape (images, features).
        """
        return (self.trees.shares(unseen) + self.discriminants.shares(unseen)) / 2


def said_by_relatives(
    shares: Array, labels: Array, benchmark: Benchmark
) -> tuple[Array, list[Array]]:
    """Returns what GMs predict together, each weighted by its share.

    Args:
        shares: Share of each GM in each image, shape (images, GMs); rows sum to 1.
        labels: Label values of the GMs, shape (GMs, 25).
        benchmark: Defines the normalisation of counts and the classes.

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
    """Returns the least value that half of the shares do not exceed, shape (images,)."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(shares[:, order], axis=1) >= 0.5 - 1e-12
    return np.asarray(values[order][reached.argmax(axis=1)])


def directions_of(labels: Array, benchmark: Benchmark) -> Array:
    """Returns the coordinates of GMs along the principal directions of their labels.

    Counts enter by their square roots, classes and losses as 0 or 1.

    Args:
        labels: Label values of the GMs, shape (GMs, 25).
        benchmark: Defines the normalisation of counts and the classes.

    Returns:
        Shape (GMs, `DIRECTIONS`), or fewer columns if there are fewer GMs.
    """
    roots = np.sqrt(np.maximum(benchmark.normalise(labels[:, :N_CONTINUOUS]), 0.0))
    classes = labels[:, N_CONTINUOUS:].astype(int).T
    ones = [np.eye(n)[of_gm] for n, of_gm in zip(class_counts(benchmark), classes, strict=True)]
    targets = np.hstack([2 * roots, *ones])
    targets -= targets.mean(axis=0)
    _, _, directions = np.linalg.svd(targets, full_matrices=False)
    return np.asarray(targets @ directions[:DIRECTIONS].T)


def spread(images: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns at most `IMAGES` of a GM's images, evenly spread."""
    chosen = np.linspace(0, len(images) - 1, min(len(images), IMAGES)).astype(int)
    return np.asarray(images[chosen])
