"""Clusters of similar GMs: the training targets of the cluster parser (section 3.3.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from gmbench.models.targets import TrainingTargets

MOST_CLUSTERS = 10
"""Most clusters tried for one kind of GM; never more than half of its GMs, rounded up."""

_STARTS = 10
"""Random starts of each k-means run; the best one counts."""


@dataclass(frozen=True)
class Clusters:
    """The cluster of each training GM and what follows from it; row `g` of each array is GM `g`.

    Attributes:
        ids: Cluster of each GM, from 0, int64 of shape (G,). A cluster holds GMs of one kind only.
        continuous: Mean of the cluster's normalised continuous labels, float32 of shape (G, 9).
        discrete: The cluster's most common class of each head, int64 of shape (G, 16); ties go to
            the lowest index.
        deviation: Deviation from the mean, label - mean (equation 10), float32 of shape (G, 9).
        fusion: 1 where the GM has the cluster's class, 0 elsewhere (equation 14), float32 of
            shape (G, 16).
    """

    ids: NDArray[np.int64]
    continuous: NDArray[np.float32]
    discrete: NDArray[np.int64]
    deviation: NDArray[np.float32]
    fusion: NDArray[np.float32]

    @property
    def n_clusters(self) -> int:
        """Total number of clusters over all kinds."""
        return int(self.ids.max()) + 1

    @classmethod
    def of(cls, targets: TrainingTargets, seed: int = 0) -> Clusters:
        """Clusters the training GMs, kind by kind, by k-means (equation 6).

        The number of clusters of a kind is the elbow of its inertia (see `elbow`). Clusters are
        numbered kind by kind, within a kind in the order in which their first GMs appear in the
        targets.

        Args:
            targets: Labels of the training GMs.
            seed: Seed of the k-means.
        """
        vectors, kinds = targets.vectors(), np.array(targets.kinds)
        ids = np.empty(len(targets), dtype=np.int64)
        n_clusters = 0
        for kind in dict.fromkeys(targets.kinds):
            rows = np.flatnonzero(kinds == kind)
            within = cluster(vectors[rows], seed)
            ids[rows] = n_clusters + within
            n_clusters += int(within.max()) + 1
        means = np.empty_like(targets.continuous)
        modes = np.empty_like(targets.discrete)
        for identity in range(n_clusters):
            members = ids == identity
            means[members] = targets.continuous[members].mean(axis=0, dtype=np.float64)
            modes[members] = [np.bincount(c).argmax() for c in targets.discrete[members].T]
        return cls(
            ids=ids,
            continuous=means,
            discrete=modes,
            deviation=targets.continuous - means,
            fusion=(modes == targets.discrete).astype(np.float32),
        )


def cluster(vectors: NDArray[np.float64], seed: int) -> NDArray[np.int64]:
    """Returns the cluster of each row, numbered from 0 by first appearance, shape (rows,)."""
    # At least two GMs per cluster on average: with one, there is nothing in common to predict, and
    # a curve that ends at inertia 0 has a late elbow. Nor more clusters than distinct rows.
    most = min(MOST_CLUSTERS, (len(vectors) + 1) // 2, len(np.unique(vectors, axis=0)))
    fits = [
        KMeans(n_clusters=k, n_init=_STARTS, random_state=seed).fit(vectors)
        for k in range(1, most + 1)
    ]
    labels = fits[elbow(np.array([fit.inertia_ for fit in fits])) - 1].labels_
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.asarray(first.argsort().argsort()[inverse], dtype=np.int64)


def elbow(inertia: NDArray[np.float64]) -> int:
    """Returns the number of clusters at the elbow of a curve of inertia.

    The elbow is where the curve lies furthest below the straight line between its ends; ties go to
    the smallest number. A curve that lies nowhere below that line has no elbow, and 1 is returned.
    The choice does not depend on the scale of either axis, so there is no threshold to set.

    Args:
        inertia: Sum of squared distances with 1, 2, ... clusters.
    """
    chord = np.linspace(inertia[0], inertia[-1], len(inertia))
    depth = chord - inertia
    # The ends lie on the line up to rounding.
    best = int(depth.argmax())
    return best + 1 if depth[best] > 1e-9 * max(inertia[0], 1e-12) else 1
