"""A learned similarity: the cosine of linear discriminants of known GMs.

Discriminants are the directions in which GMs differ most relative to the variation within a GM.
They generalise to GMs outside the training data, as they do to unknown speakers and faces. Their
number and the shrinkage of the covariance are chosen by five-fold cross-validation on the known GMs
alone: learned from four fifths of them, compared on pairs of the remaining fifth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from sklearn.metrics import roc_auc_score

from gmbench.applications.attack_pairs import AttackImages, draw_pairs
from gmbench.applications.similarity import Vectors, pair_similarities, unit_vectors
from gmbench.errors import BenchmarkError

SHRINKAGE: tuple[float, ...] = (0.01, 0.03, 0.1, 0.3, 0.6)
"""Shrinkages to try: weights of equal variances in the covariance within GMs."""

DIRECTIONS: tuple[int, ...] = (4, 8, 16, 32, 64)
"""Numbers of discriminants to try."""

_LEAST = 1e-9
"""Lower bound of the variance within GMs, for features of variance 1. Without it, no direction
would be defined if a method gives the same values for all images of a GM."""

_FOLDS = 5
_PAIRS = 2000

Features = NDArray[np.floating]


@dataclass(frozen=True)
class LearnedSimilarity:
    """A similarity learned from known GMs.

    Attributes:
        mean: Mean of each feature, shape (features,).
        directions: The discriminants, shape (features, directions).
        shrinkage: The chosen shrinkage.
        auc: AUC of the choice over pairs of held-out GMs, mean over the folds.
    """

    mean: NDArray[np.float64]
    directions: NDArray[np.float64]
    shrinkage: float
    auc: float

    def vectors(self, features: Features) -> Vectors:
        """Returns vectors of images whose dot product is the similarity.

        Args:
            features: Features of the images, shape (images, features).
        """
        return unit_vectors((features - self.mean) @ self.directions)


def learn_similarity(
    features: Features, gms: NDArray[np.integer], seed: int = 0
) -> LearnedSimilarity:
    """Learns from images of known GMs which differences tell GMs apart.

    Args:
        features: Features of the images, shape (images, features).
        gms: GM index of each image, shape (images,).
        seed: Seed for the folds and the pairs.

    Raises:
        BenchmarkError: There are fewer than ten GMs.
    """
    names = np.unique(gms)
    if len(names) < 2 * _FOLDS:
        raise BenchmarkError(
            f"A similarity is learned from images of {2 * _FOLDS} training GMs or more; there are "
            f"{len(names)}. Give more GMs."
        )
    # As many directions as any fold can have: a choice must be there in every fold and in the end.
    most = len(names) - -(-len(names) // _FOLDS) - 1
    found: dict[tuple[float, int], list[float]] = {}
    fold_of = np.random.default_rng([seed, 0x51]).permutation(len(names)) % _FOLDS
    for fold in range(_FOLDS):
        held = np.isin(gms, names[fold_of == fold])
        judged = _Judge.of(gms[held], seed)
        for choice, learned in _candidates(features[~held], gms[~held], most):
            found.setdefault(choice, []).append(judged.auc(learned.vectors(features[held])))
    scores = {choice: float(np.mean(aucs)) for choice, aucs in found.items()}
    best = max(scores, key=scores.__getitem__)
    for choice, learned in _candidates(features, gms, most):
        if choice == best:
            return LearnedSimilarity(
                learned.mean, learned.directions, learned.shrinkage, scores[best]
            )
    raise AssertionError(best)


@dataclass(frozen=True)
class _Judge:
    """Pairs of held-out images, and which of them are of one GM."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    same: NDArray[np.bool_]

    @classmethod
    def of(cls, gms: NDArray[np.integer], seed: int) -> _Judge:
        names, rows = np.unique(gms, return_inverse=True)
        n = len(names)
        images = AttackImages(
            names=tuple(map(str, names)),
            contents=("",) * n,
            seen=np.zeros(n, dtype=np.bool_),
            parsers=np.zeros(n, dtype=np.int64),
            gms=rows,
        )
        pairs = draw_pairs(images, _PAIRS, seed)
        return cls(pairs.first, pairs.second, pairs.same)

    def auc(self, vectors: Vectors) -> float:
        return float(roc_auc_score(self.same, pair_similarities(vectors, self.first, self.second)))


def _candidates(
    features: Features, gms: NDArray[np.integer], most: int
) -> Iterator[tuple[tuple[float, int], LearnedSimilarity]]:
    """Yields the similarity learned with each shrinkage and number of discriminants, up to `most`.

    The discriminants are the directions with the largest ratios of the covariance between GMs to
    that within GMs (Fisher, 1936), the latter shrunk towards equal variances of uncorrelated
    features.
    """
    mean, scale = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64)
    scale = np.where(scale > 0, scale, 1.0)
    scaled = (features - mean) / scale
    names, of_image = np.unique(gms, return_inverse=True)
    counts = np.bincount(of_image)
    sums = np.zeros((len(names), scaled.shape[1]))
    np.add.at(sums, of_image, scaled)
    means = sums / counts[:, None]
    between = (means * counts[:, None]).T @ means / len(scaled)
    within = scaled.T @ scaled / len(scaled) - between
    numbers = sorted({min(number, most, scaled.shape[1]) for number in DIRECTIONS})
    equal = max(np.trace(within) / len(within), _LEAST) * np.eye(len(within))
    for shrinkage in SHRINKAGE:
        shrunk = (1 - shrinkage) * within + shrinkage * equal
        last = [len(within) - numbers[-1], len(within) - 1]
        _, found = eigh(between, shrunk, subset_by_index=last)
        directions = found[:, ::-1] / scale[:, None]
        for number in numbers:
            made = LearnedSimilarity(mean, directions[:, :number], shrinkage, float("nan"))
            yield (shrinkage, number), made
