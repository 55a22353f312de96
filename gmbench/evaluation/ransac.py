"""The slope of the RANSAC line, truth as response on prediction, and its bootstrap.

The fit takes the steps of scikit-learn's `RANSACRegressor` in its order with its random numbers,
so that the two agree (a test holds them together). It stands here because the bootstrap needs
what scikit-learn does not give: every line that was tried, with its inliers by image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmbench.evaluation.statistics import Array

MOST_TRIALS = 100
"""Lines tried at the most; scikit-learn's default."""

MOST_LINES = 16
"""Lines that stay in the race in the bootstrap: those with the most inliers in the sample."""

_CONFIDENCE = 0.99
_EPSILON = float(np.spacing(1))


@dataclass(frozen=True)
class RansacFit:
    """A RANSAC fit.

    Attributes:
        slope: Slope of the line fitted to the inliers of the best line tried.
        lines: Slope and intercept of the lines tried with the most inliers, shape (lines, 2).
        threshold: Largest absolute residual of an inlier.
    """

    slope: float
    lines: Array
    threshold: float


def ransac_fit(predicted: Array, truth: Array, seed: int) -> RansacFit | None:
    """Fits a line to points with outliers (Fischler and Bolles, 1981).

    Args:
        predicted: Predictions, shape (points,).
        truth: Labels, the response, shape (points,).
        seed: Seed of the pairs of points that are tried.

    Returns:
        The fit, or None where there are fewer than two points or no line has two inliers.
    """
    n = len(truth)
    if n < 2 or np.ptp(predicted) == 0:
        return None
    # RandomState, because scikit-learn draws from one.
    random = np.random.RandomState(seed)
    threshold = float(np.median(np.abs(truth - np.median(truth))))
    best: tuple[int, float, NDArray[np.bool_]] = (1, -math.inf, np.zeros(n, dtype=bool))
    tried: list[tuple[int, float, float]] = []
    most = float(MOST_TRIALS)
    while len(tried) < most:
        first, second = _two_points(n, random)
        slope, intercept = _line_through(predicted, truth, first, second)
        inlier = np.abs(truth - (slope * predicted + intercept)) <= threshold
        count = int(inlier.sum())
        tried.append((count, slope, intercept))
        if count < best[0]:
            continue
        score = _score(predicted[inlier], truth[inlier], slope, intercept)
        # Not the same as `score <= best`: a score that is not a number wins, as it does there.
        if count == best[0] and score < best[1]:
            continue
        best = (count, score, inlier)
        most = min(most, _trials_needed(count / n))
    inlier = best[2]
    if not inlier.any():
        return None
    x, y = predicted[inlier], truth[inlier]
    spread = ((x - x.mean()) ** 2).sum()
    slope = float(((x - x.mean()) * (y - y.mean())).sum() / spread) if spread > 0 else 0.0
    tried.sort(key=lambda line: -line[0])
    return RansacFit(slope, np.array(tried[:MOST_LINES])[:, 1:], threshold)


def inlier_counts(fit: RansacFit, predicted: Array, truth: Array) -> Array:
    """Returns each image's number of inliers of every line, shape (images, lines).

    Args:
        fit: The fit.
        predicted: Shape (images, 9).
        truth: Shape (images, 9).
    """
    return np.asarray(_inside(fit, predicted, truth).sum(axis=1, dtype=np.float64).T)


def inlier_terms(fit: RansacFit, predicted: Array, truth: Array) -> Array:
    """Returns each image's sums over its inliers of every line.

    Args:
        fit: The fit.
        predicted: Shape (images, 9).
        truth: Shape (images, 9).

    Returns:
        Shape (images, 5 x lines): count, sum of x, of y, of x * x and of x * y, line by line.
    """
    inside = _inside(fit, predicted, truth).astype(np.float64)
    x, y = predicted.T, truth.T
    sums = [inside.sum(axis=1)]
    sums += [(inside * term).sum(axis=1) for term in (x, y, x * x, x * y)]
    return np.concatenate(sums).T


def _inside(fit: RansacFit, predicted: Array, truth: Array) -> NDArray[np.bool_]:
    """Returns which points are inliers of which line, shape (lines, 9, images)."""
    slopes, intercepts = fit.lines[:, 0, None, None], fit.lines[:, 1, None, None]
    inside: NDArray[np.bool_] = (
        np.abs(truth.T - (slopes * predicted.T + intercepts)) <= fit.threshold
    )
    return inside


def slopes_from(sums: Array) -> Array:
    """Returns the slope of each replicate: the line with the most inliers, fitted to them.

    Args:
        sums: Sums of `inlier_terms` over a replicate's images, shape (replicates, 5 x lines).

    Returns:
        Shape (replicates,); NaN where the inliers do not define a slope.
    """
    count, x, y, xx, xy = np.split(sums, 5, axis=1)
    rows = np.arange(len(sums))
    winner = count.argmax(axis=1)
    n, sx, sy, sxx, sxy = (part[rows, winner] for part in (count, x, y, xx, xy))
    spread = n * sxx - sx * sx
    flat = spread <= 1e-12 * np.maximum(n * sxx, 1.0)
    return np.where(flat, np.nan, (n * sxy - sx * sy) / np.where(flat, 1.0, spread))


def _two_points(n: int, random: np.random.RandomState) -> tuple[int, int]:
    """Draws two different points in the way of `sklearn.utils.random`."""
    if 2 / n < 0.01:
        first = second = int(random.randint(n))
        while second == first:
            second = int(random.randint(n))
        return first, second
    from sklearn.utils.random import sample_without_replacement

    first, second = sample_without_replacement(n, 2, random_state=random).tolist()
    return first, second


def _line_through(x: Array, y: Array, first: int, second: int) -> tuple[float, float]:
    """Slope and intercept of the line through two points; flat where their x is the same."""
    run = float(x[second] - x[first])
    slope = float(y[second] - y[first]) / run if run else 0.0
    middle_x, middle_y = (x[first] + x[second]) / 2, (y[first] + y[second]) / 2
    return slope, float(middle_y - slope * middle_x)


def _score(x: Array, y: Array, slope: float, intercept: float) -> float:
    """R2 of the line on its inliers."""
    residual = float(((y - (slope * x + intercept)) ** 2).sum())
    total = float(((y - y.mean()) ** 2).sum())
    if len(y) < 2:
        return math.nan
    if total == 0:
        return 1.0 if residual == 0 else 0.0
    return 1 - residual / total


def _trials_needed(inlier_part: float) -> float:
    """Trials after which a pair without outlier has been drawn with 99% confidence."""
    outlier_pair = max(_EPSILON, 1 - inlier_part**2)
    if outlier_pair == 1:
        return math.inf
    return abs(math.ceil(math.log(1 - _CONFIDENCE) / math.log(outlier_pair)))
