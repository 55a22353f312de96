"""Confidence intervals by a bootstrap of what is independent: GMs, and images within a GM.

A replicate draws as many GMs as a set has, with replacement, and for every GM drawn as many
images as it has, again with replacement. Intervals are expanded percentile intervals: with 12
GMs the plain percentiles are too narrow, so their levels are moved outwards by what Student's t
and the bootstrap's own bias ask for (Hesterberg, The American Statistician 69(4), 2015, section
5.3). docs/statistics.md shows by simulation how often they cover the truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, stdtrit

from gmbench.evaluation.resampling import ResampledImages, draws
from gmbench.evaluation.statistics import Array, GMSums, SetTable

CONFIDENCE = 0.95
REPLICATES = 2000

_MOST_UNDEFINED = 0.05
"""Part of the replicates that may be undefined without making the interval undefined."""

Interval = tuple[float, float]


def resampled_images(table: SetTable, *, replicates: int, seed: int) -> ResampledImages:
    """Returns sums over resamples of the images of each GM of a set, for so many replicates."""
    # All terms from the first head on are whole numbers.
    whole = table.columns.heads[0].start
    return ResampledImages.of(table.rows, whole, replicates=replicates, seed=seed)


def bootstrap(table: SetTable, images: ResampledImages) -> GMSums:
    """Draws the replicates of a set.

    The draws follow from the seed, the names of set and GMs and the numbers of images alone: two
    methods that predicted the same images get the same draws, which pairs their replicates.

    Args:
        table: The set.
        images: The resamples of its images; they say how many replicates, and the seed.

    Returns:
        Sums over each replicate's images; a leading axis of replicates.
    """
    drawn = draws(table.name, table.gms, images.n_images, images.replicates, images.seed)
    counts = np.array(images.n_images, dtype=np.float64)
    return GMSums(
        totals=drawn.sums(images),
        counts=counts[drawn.gms],
        truth=table.truth[drawn.gms],
        classes=table.classes[drawn.gms],
        columns=table.columns,
    )


@dataclass(frozen=True)
class Resampled:
    """A number of one set, or an array of numbers, with what its interval needs.

    Attributes:
        value: The number, shape (...).
        replicates: Its bootstrap replicates, shape (replicates, ...); none where no interval is
            wanted.
        left_out: The number without one of the set's GMs, for each in turn, shape (GMs, ...).
    """

    value: Array
    replicates: Array
    left_out: Array

    def __getitem__(self, place: int) -> Resampled:
        """Returns one number of an array."""
        replicates = self.replicates[:, place] if len(self.replicates) else self.replicates
        return Resampled(self.value[place], replicates, self.left_out[:, place])

    def __sub__(self, other: Resampled) -> Resampled:
        """Returns the difference of two methods' numbers of the same set."""
        return Resampled(
            self.value - other.value,
            self.replicates - other.replicates,
            self.left_out - other.left_out,
        )


def resample(
    function: Callable[[GMSums], Array], table: SetTable, sample: GMSums | None
) -> Resampled:
    """Applies a metric to a set, to its replicates and to the set without each of its GMs."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return Resampled(
            value=np.asarray(function(table.sums)),
            replicates=np.empty(0) if sample is None else function(sample),
            left_out=function(table.leave_one_out),
        )


def interval(
    parts: Sequence[Resampled], bounds: tuple[float, float] = (-math.inf, math.inf)
) -> Interval | None:
    """Returns the 95% interval of a number's mean over sets: percentiles, corrected three times.

    Expanded: with few GMs the plain percentiles are too narrow, so their levels are moved
    outwards by what Student's t and the bootstrap's own bias ask for (Hesterberg, The American
    Statistician 69(4), 2015, section 5.3). Recentred: a resample of 12 GMs holds about 8
    different ones, which moves F1 scores and R2 by a known amount; the percentiles are moved
    back so that the replicates' mean meets the estimate. Widened: where the jackknife over GMs
    gives a larger standard error than the replicates, as for macro F1, by their ratio.

    Args:
        parts: The number in each set.
        bounds: Smallest and largest value that the number can take.

    Returns:
        Lower and upper end, or None where there are no replicates, the number or too many
        replicates are undefined, or no set has two GMs.
    """
    if not all(len(part.replicates) for part in parts):
        return None
    estimate = float(np.mean([part.value for part in parts]))
    replicates = np.mean([part.replicates for part in parts], axis=0)
    defined = replicates[np.isfinite(replicates)]
    n_gms = sum(len(part.left_out) for part in parts)
    freedom = n_gms - len(parts)
    enough = len(defined) >= (1 - _MOST_UNDEFINED) * len(replicates)
    if not (math.isfinite(estimate) and enough and freedom >= 1):
        return None
    shrinkage = math.sqrt(n_gms / freedom)
    level = float(ndtr(shrinkage * stdtrit(freedom, (1 - CONFIDENCE) / 2)))
    low, high = np.quantile(defined, [level, 1 - level]) - defined.mean()
    spread = shrinkage * defined.std()
    jackknife = jackknife_error([part.left_out for part in parts])
    wider = max(1.0, jackknife / spread) if spread > 0 else 1.0
    low, high = estimate + wider * min(low, 0.0), estimate + wider * max(high, 0.0)
    return float(np.clip(low, *bounds)), float(np.clip(high, *bounds))


def jackknife_error(left_out: Sequence[Array]) -> float:
    """Returns the jackknife's standard error of a mean over sets; 0 where it is not defined.

    Args:
        left_out: For each set the number without one of its GMs, for each GM in turn.
    """
    variance = 0.0
    for values in left_out:
        if not np.isfinite(values).all():
            return 0.0
        variance += (len(values) - 1) * values.var()
    return math.sqrt(variance) / len(left_out)
