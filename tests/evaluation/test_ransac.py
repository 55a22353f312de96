"""The slope of RANSAC's line: as scikit-learn's to the last digit, ties and all."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.linear_model import RANSACRegressor

from gmbench.evaluation.ransac import ransac_slope
from gmbench.evaluation.statistics import Array


def by_scikit_learn(predicted: Array, truth: Array, seed: int) -> float:
    try:
        line = RANSACRegressor(random_state=seed).fit(predicted[:, None], truth)
    except ValueError:
        return math.nan
    return float(line.estimator_.coef_[0])


def points(kind: str, generator: np.random.Generator) -> tuple[Array, Array]:
    """Prediction and truth, from 2 to 300 of each."""
    n = int(generator.integers(2, 300))
    truth = generator.random(n)
    if kind == "few truths":
        truth = generator.integers(0, 3, n) / 2
    elif kind == "half of the truth is one":
        truth = np.where(generator.random(n) < 0.6, 0.25, truth)
    elif kind == "one truth":
        truth = np.full(n, 0.3)
    predicted = 0.3 * generator.random(n) + 0.7 * truth
    if kind == "few predictions":
        predicted = generator.integers(0, 9, n) / 9
    elif kind == "rounded":
        return np.round(predicted, 1), np.round(truth, 1)
    return predicted, truth


@pytest.mark.filterwarnings("ignore:R\\^2 score is not well-defined")
@pytest.mark.parametrize(
    "kind",
    ["any", "few truths", "half of the truth is one", "one truth", "few predictions", "rounded"],
)
def test_as_scikit_learn(kind: str) -> None:
    generator = np.random.default_rng(len(kind))
    slopes = []
    for seed in range(20):
        predicted, truth = points(kind, generator)
        if np.ptp(predicted):
            slopes.append(ransac_slope(predicted, truth, seed))
            np.testing.assert_array_equal(slopes[-1], by_scikit_learn(predicted, truth, seed))
    assert len(slopes) > 15
    assert np.isfinite(slopes).any()


def test_a_prediction_that_is_constant_but_for_rounding_has_no_slope() -> None:
    generator = np.random.default_rng(1)
    truth = generator.random(200)
    predicted = 0.1 + generator.choice([0.0, 1e-16], 200)
    assert np.ptp(predicted) > 0
    assert math.isnan(ransac_slope(predicted, truth, 0))
    assert math.isfinite(ransac_slope(predicted + 1e-6 * truth, truth, 0))
