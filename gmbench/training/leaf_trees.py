"""Randomised trees that tell which known GMs share the leaves of an image, as plain arrays.

They are grown by scikit-learn (Geurts et al. 2006) but evaluated without it: they can be saved
without pickle, and are ready as quickly as a file is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Array = NDArray[np.float64]
Features = NDArray[np.float32]

TREES = 60


@dataclass(frozen=True)
class LeafTrees:
    """Trees whose leaves record how much of each GM fell into them.

    Attributes:
        feature: Feature that a node tests, shape (nodes,); -1 for a leaf.
        threshold: Images with a value no greater than this go left, shape (nodes,).
        children: Left and right child of a node, shape (nodes, 2); those of a leaf are itself.
        leaf: Row of a leaf in `leaves`, shape (nodes,); -1 for a node that is no leaf.
        roots: Root node of each tree, shape (trees,).
        leaves: Share of each GM in each leaf, shape (leaves, GMs); rows sum to 1.
    """

    feature: NDArray[np.int16]
    threshold: NDArray[np.float32]
    children: NDArray[np.int32]
    leaf: NDArray[np.int32]
    roots: NDArray[np.int32]
    leaves: csr_array[Any]

    @classmethod
    def fit(
        cls, features: Features, gms: NDArray[np.int64], weights: Array, targets: Array, seed: int
    ) -> LeafTrees:
        """Grows trees.

        Args:
            features: Features of the training images, shape (images, features).
            gms: Index of each image's GM, from 0, shape (images,).
            weights: Weights of the training images, shape (images,).
            targets: What the trees learn to tell apart, shape (GMs, targets).
            seed: Seed of the trees.
        """
        # Takes a second to import, and a trained parser does not need it.
        from sklearn.ensemble import ExtraTreesRegressor

        forest = ExtraTreesRegressor(
            TREES, min_samples_leaf=3, max_features=0.1, random_state=seed, n_jobs=-1
        )
        forest.fit(features, targets[gms], weights)
        nodes: list[tuple[NDArray[Any], ...]] = []
        parts, roots, first, first_leaf = [], [], 0, 0
        for own, grown in zip(forest.apply(features).T, forest.estimators_, strict=True):
            tree = grown.tree_
            is_leaf = tree.children_left < 0
            row = np.where(is_leaf, np.cumsum(is_leaf) - 1, -1)
            within = np.zeros((is_leaf.sum(), len(targets)))
            np.add.at(within, (row[own], gms), weights)
            parts.append(csr_array(within / within.sum(axis=1, keepdims=True)))
            here = np.arange(len(is_leaf))
            children = np.column_stack([tree.children_left, tree.children_right])
            children = np.where(is_leaf[:, None], here[:, None], children) + first
            nodes.append(
                (
                    np.where(is_leaf, -1, tree.feature),
                    _no_greater(tree.threshold),
                    children,
                    np.where(is_leaf, row + first_leaf, -1),
                )
            )
            roots.append(first)
            first, first_leaf = first + len(is_leaf), first_leaf + len(within)
        feature, threshold, children, leaf = (
            np.concatenate(part) for part in zip(*nodes, strict=True)
        )
        data = np.concatenate([part.data for part in parts])
        columns = np.concatenate([part.indices for part in parts])
        starts = np.concatenate([[0], *(np.diff(part.indptr) for part in parts)]).cumsum()
        return cls(
            feature.astype(np.int16),
            threshold,
            children.astype(np.int32),
            leaf.astype(np.int32),
            np.array(roots, np.int32),
            csr_array((data, columns, starts), shape=(first_leaf, len(targets))),
        )

    def shares(self, unseen: Features) -> Array:
        """Returns the share of each GM in the leaves of unseen images, averaged over the trees.

        Args:
            unseen: Features of images, shape (images, features).

        Returns:
            Shape (images, GMs); rows sum to 1.
        """
        images = np.arange(len(unseen))[:, None]
        at = np.tile(self.roots, (len(unseen), 1))
        while (self.leaf[at] < 0).any():
            right = unseen[images, self.feature[at]] > self.threshold[at]
            at = self.children[at, right.astype(np.int8)]
        found = np.zeros((len(unseen), self.leaves.shape[1]))
        for reached in self.leaf[at].T:
            found += self.leaves[reached].toarray()
        return found / len(self.roots)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Returns everything as plain arrays, by name."""
        return {
            "feature": self.feature,
            "threshold": self.threshold,
            "children": self.children,
            "leaf": self.leaf,
            "roots": self.roots,
            "leaf_shares": self.leaves.data.astype(np.float32),
            "leaf_gms": self.leaves.indices.astype(np.int16),
            "leaf_starts": self.leaves.indptr.astype(np.int32),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], n_gms: int) -> LeafTrees:
        """Builds trees from the result of `to_arrays`.

        Raises:
            KeyError: An array is missing.
            ValueError: The arrays are inconsistent: a walk would leave them or never end.
        """
        names = ("feature", "threshold", "children", "leaf", "roots")
        feature, threshold, children, leaf, roots = (arrays[name] for name in names)
        shares, starts = arrays["leaf_shares"], arrays["leaf_starts"].astype(np.int64)
        columns = arrays["leaf_gms"].astype(np.int64)
        here = np.arange(len(leaf))[:, None]
        inner = leaf < 0
        sound = (
            feature.shape == threshold.shape == leaf.shape
            and children.shape == (len(leaf), 2)
            # A child comes after its parent, so each step leads onward, to a node that exists.
            and bool((children[inner] > here[inner]).all() and (children < len(leaf)).all())
            and bool((feature[inner] >= 0).all() and (leaf < len(starts) - 1).all())
            and bool((roots >= 0).all() and (roots < len(leaf)).all() and len(roots))
            and shares.shape == columns.shape
            and bool((columns >= 0).all() and (columns < n_gms).all())
            and bool((np.diff(starts) > 0).all() and starts[0] == 0 and starts[-1] == len(shares))
        )
        if not sound:
            raise ValueError("its trees do not go together")
        leaves = csr_array((shares.astype(float), columns, starts), shape=(len(starts) - 1, n_gms))
        return cls(feature, threshold, children, leaf, roots, leaves)


def _no_greater(threshold: Array) -> NDArray[np.float32]:
    """Returns the largest float32 that is no greater, so that float32 features compare alike."""
    single = threshold.astype(np.float32)
    down = np.nextafter(single, np.float32(-np.inf))
    return np.where(single > threshold, down, single)
