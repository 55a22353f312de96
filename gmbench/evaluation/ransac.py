"""The slope of scikit-learn's RANSAC line, for many points at once.

The same lines are tried in the same order, by the same rules and with the same arithmetic, as by
`RANSACRegressor()`; the checks that it repeats for each of its lines are done once.

Source: Fischler and Bolles, Random sample consensus (Communications of the ACM 24(6), 1981).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_MOST_TRIALS = 100
_SURE = 0.99
"""Lines are tried until, with this probability, one of them was drawn from inliers alone."""

_ROUNDING = 1e-9
"""Predictions whose spread is below this fraction of their size are constant but for rounding."""

_SMALLEST_PART = 1e-6
"""Singular values below this fraction of the largest count as 0."""


def ransac_slope(predicted: Array, truth: Array, seed: int) -> float:
    """Returns the slope of scikit-learn's RANSAC line, truth on prediction; 1 is ideal.

    Args:
        predicted: Normalised predictions, shape (points,).
        truth: Normalised labels, shape (points,).
        seed: Seed of the pairs of points that are tried.

    Returns:
        The slope; NaN where the prediction is constant or no line has inliers.
    """
    if len(truth) < 2 or np.ptp(predicted) <= _ROUNDING * np.abs(predicted).max():
        return math.nan
    from sklearn.utils.random import sample_without_replacement  # Slow to import.

    generator = np.random.RandomState(seed)
    threshold = np.median(np.abs(truth - np.median(truth)))
    best: NDArray[np.int64] | None = None
    most, best_fit, trials, most_trials = 1, -math.inf, 0, float(_MOST_TRIALS)
    while trials < most_trials:
        trials += 1
        pair = sample_without_replacement(len(truth), 2, random_state=generator)
        slope, intercept = _line(predicted[pair], truth[pair])
        residuals = predicted * slope
        residuals += intercept
        np.subtract(truth, residuals, out=residuals)
        near = np.abs(residuals, out=residuals) <= threshold
        if np.count_nonzero(near) < most:
            continue
        inliers = np.flatnonzero(near)
        fit = _r2(residuals[inliers], truth[inliers])
        if len(inliers) == most and fit < best_fit:
            continue
        best, most, best_fit = inliers, len(inliers), fit
        most_trials = min(most_trials, _trials_needed(most / len(truth)))
    return math.nan if best is None else _line(predicted[best], truth[best])[0]


def _line(x: Array, y: Array) -> tuple[float, float]:
    """Returns the slope and intercept of the least-squares line."""
    from scipy.linalg import lstsq

    x_mean, y_mean = x.mean(), y.mean()
    solved = lstsq((x - x_mean)[:, None], y - y_mean, cond=_SMALLEST_PART, check_finite=False)
    slope = float(solved[0][0])
    return slope, float(y_mean - x_mean * slope)


def _r2(residuals: Array, truth: Array) -> float:
    """Returns the coefficient of determination, with scikit-learn's values for constant truth."""
    if len(truth) < 2:
        return math.nan
    left, all_of_it = (residuals**2).sum(), ((truth - truth.mean()) ** 2).sum()
    if all_of_it == 0:
        return 1.0 if left == 0 else 0.0
    return float(1 - left / all_of_it)


def _trials_needed(part: float) -> float:
    """Returns how many pairs to draw until one has inliers alone, given their fraction."""
    smallest = float(np.spacing(1))
    none = max(smallest, 1 - part**2)
    return math.inf if none == 1 else abs(math.ceil(math.log(1 - _SURE) / math.log(none)))
