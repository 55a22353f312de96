from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import RANSACRegressor

from gmbench.evaluation.ransac import inlier_terms, ransac_fit, slopes_from


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("n", [20, 150, 199, 201, 5000])
def test_equals_scikit_learn(seed: int, n: int) -> None:
    generator = np.random.default_rng(seed)
    x = generator.normal(size=n)
    y = 0.7 * x + generator.normal(scale=0.2, size=n)
    outliers = generator.random(n) < 0.3
    y[outliers] = generator.normal(scale=3, size=outliers.sum())
    fit = ransac_fit(x, y, seed)
    theirs = RANSACRegressor(random_state=seed).fit(x[:, None], y)
    assert fit is not None
    assert fit.slope == pytest.approx(theirs.estimator_.coef_[0], rel=1e-9)


def test_the_sample_itself_gives_back_its_slope() -> None:
    generator = np.random.default_rng(0)
    predicted, truth = generator.random((40, 9)), generator.random((40, 9))
    fit = ransac_fit(predicted.ravel(), truth.ravel(), 0)
    assert fit is not None
    sums = inlier_terms(fit, predicted, truth).sum(axis=0, keepdims=True)
    assert slopes_from(sums)[0] == pytest.approx(fit.slope)


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_points(n: int) -> None:
    assert ransac_fit(np.ones(n), np.ones(n), 0) is None


def test_constant_prediction() -> None:
    assert ransac_fit(np.ones(9), np.arange(9.0), 0) is None


def test_inliers_without_spread_have_no_slope() -> None:
    count, x = np.full((1, 1), 4.0), np.full((1, 1), 2.0)
    sums = np.concatenate([count, x, x, x * x / count, x], axis=1)
    assert np.isnan(slopes_from(sums)[0])
