"""The RANSAC slope of a set, and what its interval needs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gmbench.evaluation.intervals import Replicates, Resampled
from gmbench.evaluation.ransac import (
    RansacFit,
    inlier_counts,
    inlier_terms,
    ransac_fit,
    slopes_from,
)
from gmbench.evaluation.resampling import draws
from gmbench.evaluation.statistics import Array, SetTable
from gmbench.schema import N_CONTINUOUS


@dataclass(frozen=True)
class Slope:
    """A set's line, and the terms that `bootstrap` sums over each replicate.

    Attributes:
        fit: The line and those that can win in a replicate; None where RANSAC finds none.
        terms: For each GM its images' terms, shape (images, 5 x lines).
    """

    fit: RansacFit | None
    terms: tuple[Array, ...]

    def resampled(self, sample: Replicates | None) -> Resampled | None:
        """Returns the slope with its replicates; None where there is none."""
        if self.fit is None:
            return None
        by_gm = np.array([terms.sum(axis=0) for terms in self.terms])
        return Resampled(
            value=np.asarray(self.fit.slope),
            replicates=np.empty(0) if sample is None else slopes_from(sample.extra),
            left_out=slopes_from(by_gm.sum(axis=0) - by_gm),
        )


def set_slope(table: SetTable, *, replicates: int, seed: int) -> Slope:
    """Fits the line of a set.

    Args:
        table: The set.
        replicates: Bootstrap replicates that will be drawn.
        seed: Seed of RANSAC and of the replicates.
    """
    n_images = tuple(len(rows) for rows in table.rows)
    points = [
        (rows[:, table.columns.prediction], np.broadcast_to(truth, (len(rows), N_CONTINUOUS)))
        for rows, truth in zip(table.rows, table.truth, strict=True)
    ]
    fit = ransac_fit(
        np.concatenate([predicted.ravel() for predicted, _ in points]),
        np.concatenate([truth.ravel() for _, truth in points]),
        seed,
    )
    if fit is None:
        return Slope(None, tuple(np.empty((n, 0)) for n in n_images))
    # Few lines ever have the most inliers. The counts, which are whole numbers and cheap to
    # resample, tell which; the other sums are made for those alone.
    counts = [inlier_counts(fit, *pair) for pair in points]
    by_gm = np.array([count.sum(axis=0) for count in counts])
    races = [by_gm.sum(axis=0) - by_gm]
    if replicates:
        drawn = draws(table.name, table.gms, n_images, replicates, seed)
        races.append(drawn.sums(counts, whole=0).sum(axis=1))
    winners = np.unique(np.concatenate(races).argmax(axis=1))
    fit = replace(fit, lines=fit.lines[winners])
    return Slope(fit, tuple(inlier_terms(fit, *pair) for pair in points))
