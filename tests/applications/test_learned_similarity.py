from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from gmbench.applications.attack_pairs import draw_pairs
from gmbench.applications.learned_similarity import _candidates, _Judge, learn_similarity
from gmbench.applications.similarity import Vectors, pair_similarities, unit_vectors
from gmbench.errors import BenchmarkError
from tests.applications.attacks import images_of


def features_of(n_gms: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """GMs differ in few directions, images of one GM in others that are ten times as large."""
    generator = np.random.default_rng(seed)
    images = images_of(n_gms, 10)
    between = generator.normal(size=(n_gms, 6))[images.gms]
    within = 10 * generator.normal(size=(len(images.gms), 6))
    mixing = np.random.default_rng(0).normal(size=(12, 12))
    noise = 0.3 * generator.normal(size=(len(images.gms), 12))
    return np.hstack([between, within]) @ mixing + noise, images.gms


def auc(vectors: Vectors, n_gms: int) -> float:
    pairs = draw_pairs(images_of(n_gms, 10), 400)
    found = pair_similarities(vectors, pairs.first, pairs.second)
    return float(roc_auc_score(pairs.same, found))


def test_what_is_learned_holds_for_gms_that_were_not_there() -> None:
    features, gms = features_of(30, seed=1)
    others, _ = features_of(12, seed=2)
    learned = learn_similarity(features, gms)
    found = auc(learned.vectors(others), 12)
    assert auc(unit_vectors(others - features.mean(axis=0)), 12) < 0.7 < 0.9 < found
    # What the held-out fifths said of the choice is what strangers say of it.
    assert learned.auc == pytest.approx(found, abs=0.1)
    again = learn_similarity(features, gms)
    assert np.array_equal(again.vectors(others), learned.vectors(others))


def test_too_few_gms() -> None:
    features, gms = features_of(9, seed=1)
    with pytest.raises(BenchmarkError, match="10 training GMs or more; there are 9"):
        learn_similarity(features, gms)


@pytest.mark.parametrize(("n_gms", "most"), [(10, 7), (12, 8)])
def test_folds_try_what_can_be_learned_from_all_gms(
    n_gms: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With fewer GMs than features, a fold has fewer directions than all GMs have."""
    monkeypatch.setattr(_Judge, "auc", lambda _, vectors: float(vectors.shape[1]))
    features, gms = features_of(n_gms, seed=1)
    learned = learn_similarity(features, gms)
    assert (learned.directions.shape[1], learned.auc) == (most, most)


def test_the_discriminants_by_another_way() -> None:
    features, gms = features_of(12, seed=3)
    (_, learned), *_ = (one for one in _candidates(features, gms, 11) if one[0] == (0.1, 8))
    scaled = StandardScaler().fit_transform(features)
    within = np.mean([np.cov(scaled[gms == gm].T, bias=True) for gm in range(12)], axis=0)
    shrunk = 0.9 * within + 0.1 * np.trace(within) / 12 * np.eye(12)
    # Where the shrunk covariance within GMs is the identity, LDA is the PCA of the means.
    whitening = np.linalg.inv(np.linalg.cholesky(shrunk)).T
    means = np.array([scaled[gms == gm].mean(axis=0) for gm in range(12)]) @ whitening
    expected = PCA(8).fit(means).transform(scaled @ whitening)
    found = (features - learned.mean) @ learned.directions
    for one, other in zip(found.T, expected.T, strict=True):
        assert abs(np.corrcoef(one, other)[0, 1]) == pytest.approx(1, abs=1e-6)


def test_images_of_a_gm_that_are_all_alike() -> None:
    """As where labels alone predict: nothing varies within a GM."""
    gms = np.repeat(np.arange(12), 4)
    of_gm = np.random.default_rng(0).normal(size=(12, 5)).round(1)
    vectors = learn_similarity(of_gm[gms], gms).vectors(of_gm[gms])
    assert np.isfinite(vectors).all()
    assert np.allclose(vectors[0] @ vectors[1], 1, atol=1e-5)
