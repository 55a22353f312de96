"""Second moments of truth and prediction, from which correlation and R2 follow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_ROUNDING = 1e-18
"""Variances below this fraction of the mean square are rounding: the values are constant."""


@dataclass(frozen=True)
class Moments:
    """Second moments of truth y and prediction p about their means, and squared residuals.

    They are sums over images. A variance that is 0 up to rounding is NaN: the values are constant.

    Attributes:
        yy: Moment of the truth.
        pp: Moment of the prediction.
        yp: Mixed moment of both.
        residual: Sum of (p - y)^2.
    """

    yy: Array
    pp: Array
    yp: Array
    residual: Array

    @classmethod
    def of(
        cls, weights: Array, truth: Array, means: Array, within: Array, *, pooled: bool
    ) -> Moments:
        """Returns the moments over all images of some GMs.

        Args:
            weights: Number of images of each GM that count, shape (..., G, numbers).
            truth: True values of each GM, same shape.
            means: Mean prediction of each GM, same shape.
            within: Sum over a GM's images of (prediction - the GM's mean)^2, same shape.
            pooled: Whether all numbers are pooled into one, shape (...); else (..., numbers).
        """
        axes = (-2, -1) if pooled else (-2,)
        n = weights.sum(axis=axes, keepdims=True)

        def about_mean(values: Array) -> tuple[Array, Array]:
            """Returns values minus their mean over all images, and the sum of their squares."""
            weighted = weights * values
            total = weighted.sum(axis=axes, keepdims=True)
            # Where nothing counts, there is no mean to subtract.
            mean = np.divide(total, n, out=np.zeros_like(total), where=n > 0)
            return values - mean, np.asarray((weighted * values).sum(axis=axes))

        (y, y_size), (p, p_size) = about_mean(truth), about_mean(means)
        off = means - truth
        weighted_p = weights * p
        return cls(
            yy=_known((weights * y * y).sum(axis=axes), y_size),
            pp=_known((within + weighted_p * p).sum(axis=axes), p_size),
            yp=np.asarray((weighted_p * y).sum(axis=axes)),
            residual=np.asarray((within + weights * off * off).sum(axis=axes)),
        )

    @property
    def correlation(self) -> Array:
        """Pearson's correlation."""
        return np.asarray(np.clip(self.yp / np.sqrt(self.yy * self.pp), -1.0, 1.0))

    @property
    def r2(self) -> Array:
        """Coefficient of determination."""
        return np.asarray(1.0 - self.residual / self.yy)


def _known(variance: Array, size: Array) -> Array:
    return np.where(variance > _ROUNDING * size, variance, np.nan)
