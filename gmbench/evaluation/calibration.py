"""Calibration: do predictions made with 80% confidence come true in 80% of the cases?

Confidences are put into ten bins of equal width. Each bin needs three sums, which add up over
images and GMs: the number of confidences, their sum, and how many came true.

Source: Naeini, Cooper and Hauskrecht, Obtaining well calibrated probabilities using Bayesian
binning (AAAI 2015); Guo et al., On calibration of modern neural networks (ICML 2017).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gmbench.evaluation.ranks import DECIMALS
from gmbench.evaluation.statistics import Array

N_BINS = 10
"""Number of bins, of equal width from 0 to 1; each includes its lower edge, the last one both."""

NUMBER, CONFIDENCE, TRUE = range(3)
"""Positions of the three sums along the last axis."""


def bin_of(confidence: Array) -> NDArray[np.int64]:
    """Returns the bin of each confidence, in the shape of the confidences.

    A confidence that agrees with an edge to nine decimals lies on it.

    Args:
        confidence: Confidences from 0 to 1.

    Examples:
        >>> bin_of(np.array([0.0, 0.1 + 0.2, 0.95, 1.0])).tolist()
        [0, 3, 9, 9]
    """
    scaled = np.round(confidence * N_BINS, DECIMALS - 1)
    return np.minimum(scaled.astype(np.int64), N_BINS - 1)


def binned_sums(
    confidence: Array, true: NDArray[np.bool_], gm_of: NDArray[np.int64], n_gms: int
) -> Array:
    """Returns the sums over each GM's images in each bin, shape (GMs, bins, 3).

    Args:
        confidence: Confidences from 0 to 1, shape (images,).
        true: Whether each came true, shape (images,).
        gm_of: Index of each image's GM, from 0.
        n_gms: Number of GMs.
    """
    place = gm_of * N_BINS + bin_of(confidence)
    sums = [
        np.bincount(place, weights, minlength=n_gms * N_BINS)
        for weights in (np.ones(len(confidence)), confidence, true.astype(np.float64))
    ]
    return np.stack(sums, axis=-1).reshape(n_gms, N_BINS, 3).astype(np.float64)


def calibration_error(sums: Array) -> Array:
    """Returns the expected calibration error, shape (...).

    This is the mean over all confidences of their bin's |mean confidence - fraction that came
    true|.

    Args:
        sums: Shape (..., bins, 3).
    """
    apart = np.abs(sums[..., CONFIDENCE] - sums[..., TRUE]).sum(axis=-1)
    return np.asarray(apart / sums[..., NUMBER].sum(axis=-1))


def frequencies(sums: Array) -> Array:
    """Returns the fraction that came true in each bin, shape (..., bins); NaN for an empty bin."""
    return _ratio(sums[..., TRUE], sums[..., NUMBER], empty=np.nan)


def error_by_chance(sums: Array) -> float:
    """Returns the calibration error to expect if these confidences were calibrated.

    With few GMs, the fraction that comes true never matches the stated one exactly, so an error of
    0 is out of reach. All confidences of a GM in a bin are assumed to come true together, as those
    of a loss do, with their mean as the probability, and independently of those of other GMs and
    parameters. The difference in a bin then has a known variance; if it is normal, its mean
    absolute value is sqrt(2 / pi) times the square root of that variance.

    Args:
        sums: Sums of each GM and parameter separately, shape (..., bins, 3).
    """
    number, mean = sums[..., NUMBER], _ratio(sums[..., CONFIDENCE], sums[..., NUMBER], empty=0.0)
    variance = (number**2 * mean * (1.0 - mean)).reshape(-1, N_BINS).sum(axis=0)
    # Sums of confidences of 1 may exceed their number in the last digit.
    sizes = np.sqrt(2.0 / np.pi * np.maximum(variance, 0.0))
    return float(sizes.sum() / number.sum())


def _ratio(sums: Array, number: Array, *, empty: float) -> Array:
    return np.asarray(np.divide(sums, number, out=np.full(sums.shape, empty), where=number > 0))
