"""Fisher's linear discriminants: how near an image is to each known GM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from threadpoolctl import threadpool_limits

Array = NDArray[np.float64]
Features = NDArray[np.float32]

ISOTROPIC = 0.7
"""Share of the within-GM covariance that is the same in all directions."""

SOFTNESS = 0.2
"""Difference between discriminants, in units of their spread, that changes shares e-fold."""

_FARTHEST = 4.0
"""Features are clipped to this many standard deviations from their mean."""


@dataclass(frozen=True)
class Discriminants:
    """One linear function of the features for each GM; the largest is the nearest GM's.

    Attributes:
        mean: Mean of each feature, shape (features,).
        scale: Standard deviation of each feature.
        directions: Coefficients of each GM's function, shape (features, GMs).
        threshold: Value subtracted for each GM, shape (GMs,).
        spread: Standard deviation over the GMs, averaged over the training images.
    """

    mean: Array
    scale: Array
    directions: Array
    threshold: Array
    spread: float

    @classmethod
    def fit(cls, features: Features, gms: NDArray[np.int64], weights: Array) -> Discriminants:
        """Fits the discriminants of GMs.

        Args:
            features: Features of the training images, shape (images, features).
            gms: Index of each image's GM, from 0, shape (images,).
            weights: Weights of the training images, shape (images,).
        """
        mean = np.average(features, axis=0, weights=weights).astype(float)
        scale = np.sqrt(np.average((features - mean) ** 2, axis=0, weights=weights)) + 1e-6
        own = _standardised(features, mean, scale)
        membership = np.equal.outer(np.arange(gms.max() + 1), gms) * weights
        centres = membership @ own
        within = own - centres[gms]
        # Threads would sum in another order, which changes the last bits.
        with threadpool_limits(1):
            covariance = (within.T * weights) @ within / weights.sum()
            covariance *= 1 - ISOTROPIC
            isotropic = ISOTROPIC / (1 - ISOTROPIC) * np.trace(covariance) / len(covariance)
            # With one image of each GM nothing varies within; then all directions count alike.
            covariance[np.diag_indices_from(covariance)] += isotropic or 1.0
            directions = np.linalg.solve(covariance, centres.T)
            threshold = 0.5 * (centres.T * directions).sum(axis=0)
            known = own @ directions - threshold
        # A single GM has no spread; it is the nearest one, whatever the unit.
        spread = float(np.average(known.std(axis=1), weights=weights)) or 1.0
        return cls(mean, scale, directions, threshold, spread)

    def shares(self, unseen: Features) -> Array:
        """Returns how near images are to each GM, shape (images, GMs); rows sum to 1.

        Args:
            unseen: Features of images, shape (images, features).
        """
        with threadpool_limits(1):
            near = _standardised(unseen, self.mean, self.scale) @ self.directions - self.threshold
        return np.asarray(softmax(near / (SOFTNESS * self.spread), axis=1))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Returns everything as plain single-precision arrays, by name."""
        return {
            "mean": self.mean.astype(np.float32),
            "scale": self.scale.astype(np.float32),
            "directions": self.directions.astype(np.float32),
            "threshold_of_gm": self.threshold.astype(np.float32),
            "spread": np.array([self.spread], np.float32),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], n_gms: int) -> Discriminants:
        """Builds discriminants from the result of `to_arrays`.

        Raises:
            KeyError: An array is missing.
            ValueError: The arrays are inconsistent or not finite, or a scale is not positive.
        """
        names = ("mean", "scale", "directions", "threshold_of_gm", "spread")
        mean, scale, directions, threshold, spread = (arrays[n].astype(float) for n in names)
        sound = (
            mean.shape == scale.shape == directions.shape[:1]
            and directions.shape[1:] == threshold.shape == (n_gms,)
            and spread.shape == (1,)
            and all(np.isfinite(a).all() for a in (mean, scale, directions, threshold, spread))
            and bool((scale > 0).all() and spread[0] > 0)
        )
        if not sound:
            raise ValueError("its discriminants do not go together")
        return cls(mean, scale, directions, threshold, float(spread[0]))


def _standardised(features: Features, mean: Array, scale: Array) -> Array:
    return np.asarray(np.clip((features - mean) / scale, -_FARTHEST, _FARTHEST))
