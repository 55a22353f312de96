from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor

from gmbench.training import leaf_trees
from gmbench.training.leaf_trees import LeafTrees


@pytest.fixture(scope="module")
def images() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Features of 9 GMs, their numbers, weights and targets; some GMs have more images."""
    generator = np.random.default_rng(0)
    gms = np.sort(np.r_[np.repeat(np.arange(9), 6), np.zeros(12, int)])
    targets = generator.normal(size=(9, 3))
    features = np.hstack([targets[gms], generator.normal(size=(len(gms), 5))]).astype(np.float32)
    return features, gms, 1.0 / np.bincount(gms)[gms], targets


def test_shares_are_those_of_scikit_learns_leaves(
    images: tuple[np.ndarray, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    features, gms, weights, targets = images
    monkeypatch.setattr(leaf_trees, "TREES", 7)
    trees = LeafTrees.fit(features, gms, weights, targets, seed=3)
    forest = ExtraTreesRegressor(7, min_samples_leaf=3, max_features=0.1, random_state=3)
    forest.fit(features, targets[gms], weights)
    unseen = np.random.default_rng(1).normal(size=(20, 8)).astype(np.float32)
    own, others = forest.apply(features), forest.apply(unseen)
    wanted = np.zeros((20, 9))
    for tree in range(7):
        for image in range(20):
            together = own[:, tree] == others[image, tree]
            shares = np.bincount(gms[together], weights[together], minlength=9)
            wanted[image] += shares / shares.sum() / 7
    np.testing.assert_allclose(trees.shares(unseen), wanted, atol=1e-12)


def test_a_threshold_that_single_precision_cannot_hold_parts_as_before() -> None:
    third = np.array([1 / 3, -1 / 3, 0.5])
    values = np.float32(third)
    assert (leaf_trees._no_greater(third) <= third).all()
    assert ((values <= third) == (values <= leaf_trees._no_greater(third))).all()
    above = np.nextafter(values, np.float32(np.inf))
    assert ((above <= third) == (above <= leaf_trees._no_greater(third))).all()


def test_arrays_there_and_back(images: tuple[np.ndarray, ...]) -> None:
    features, gms, weights, targets = images
    trees = LeafTrees.fit(features, gms, weights, targets, seed=0)
    again = LeafTrees.from_arrays(trees.to_arrays(), 9)
    np.testing.assert_allclose(again.shares(features), trees.shares(features), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("children", lambda array: np.zeros_like(array)),  # a walk that never ends
        ("children", lambda array: array + len(array)),
        ("feature", lambda array: array[:-1]),
        ("leaf", lambda array: array + 10_000),
        ("roots", lambda array: array[:0]),
        ("leaf_gms", lambda array: array + 9),
        ("leaf_starts", lambda array: array[::-1]),
        ("leaf_shares", lambda array: array[:-1]),
    ],
)
def test_arrays_that_do_not_go_together(
    name: str, spoil: object, images: tuple[np.ndarray, ...]
) -> None:
    features, gms, weights, targets = images
    arrays = LeafTrees.fit(features, gms, weights, targets, seed=0).to_arrays()
    arrays[name] = spoil(arrays[name])  # type: ignore[operator]
    with pytest.raises(ValueError, match="do not go together"):
        LeafTrees.from_arrays(arrays, 9)
