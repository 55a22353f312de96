"""How far an image lies from each known GM, in standard deviations within GMs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Features = NDArray[np.float32]

_FARTHEST = 8.0
"""Features are clipped at this many within-GM standard deviations from the mean of all images."""


@dataclass(frozen=True)
class Distances:
    """Centres of known GMs.

    Attributes:
        mean: Mean of each feature over all images, shape (features,).
        within: Standard deviation of each feature within GMs, shape (features,).
        centres: Standardised centre of each GM, shape (GMs, features).
    """

    mean: Array
    within: Array
    centres: Array

    @classmethod
    def fit(cls, features: Features, gms: NDArray[np.int64]) -> Distances:
        """Finds the centres of GMs; each GM has the same weight.

        Args:
            features: Shape (images, features).
            gms: Number of each image's GM, from 0, shape (images,).
        """
        weights = 1.0 / np.bincount(gms)[gms]
        mean = np.average(features, axis=0, weights=weights).astype(float)
        raw = _means(features.astype(float), gms)
        spread = np.sqrt(np.average((features - raw[gms]) ** 2, axis=0, weights=weights))
        # A feature that is constant within each GM would decide on its own.
        overall = np.sqrt(np.average((features - mean) ** 2, axis=0, weights=weights))
        within = np.maximum(spread, 0.1 * overall) + 1e-6
        return cls(mean, within, _means(_standardised(features, mean, within), gms))

    def nearest(self, features: Features) -> Array:
        """Returns the root mean square distance from the nearest GM, shape (images,).

        Args:
            features: Shape (images, features).
        """
        own = _standardised(features, self.mean, self.within)
        squares = (own**2).sum(axis=1)[:, None] + (self.centres**2).sum(axis=1)
        between = np.maximum(squares - 2 * own @ self.centres.T, 0.0)
        return np.asarray(np.sqrt(between.min(axis=1) / own.shape[1]))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Returns everything as plain arrays of single precision, by name."""
        return {
            "all_mean": self.mean.astype(np.float32),
            "within": self.within.astype(np.float32),
            "centres": self.centres.astype(np.float32),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Distances:
        """Makes the centres from the output of `to_arrays`.

        Raises:
            KeyError: An array is missing.
            ValueError: The arrays are inconsistent, or not finite.
        """
        mean, within, centres = (
            arrays[name].astype(float) for name in ("all_mean", "within", "centres")
        )
        sound = (
            mean.shape == within.shape == centres.shape[1:]
            and all(np.isfinite(array).all() for array in (mean, within, centres))
            and bool((within > 0).all())
        )
        if not sound:
            raise ValueError("its centres do not go together")
        return cls(mean, within, centres)


def _standardised(features: Features, mean: Array, within: Array) -> Array:
    return np.asarray(np.clip((features - mean) / within, -_FARTHEST, _FARTHEST))


def _means(values: Array, gms: NDArray[np.int64]) -> Array:
    membership = np.equal.outer(np.arange(gms.max() + 1), gms) / np.bincount(gms)[:, None]
    return np.asarray(membership @ values)
