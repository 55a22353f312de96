"""Confidence intervals by a bootstrap over independent units: GMs, and images within a GM.

The sets are drawn kind by kind (six GANs, two VAEs, and so on), and so is each replicate: from
each kind in a set it draws as many GMs as there are, and for each GM drawn as many images as it
has, with replacement. It first leaves out one GM of the kind at random (the bootknife of
Hesterberg, 2004): when n GMs are drawn from n with replacement, the spread is too small by a
factor of (n - 1) / n, one half for two GMs; when n are drawn from n - 1, it is right. Intervals
are percentile intervals whose levels are moved outwards as Student's t requires (Hesterberg, The
American Statistician 69(4), 2015, section 5.3). docs/statistics.md shows by simulation how often
they cover the truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from gmbench.evaluation.resampling import ResampledImages, draws
from gmbench.evaluation.set_table import SetTable
from gmbench.evaluation.statistics import Array, GMSums

CONFIDENCE = 0.95
REPLICATES = 2000

_MOST_UNDEFINED = 0.05
"""Fraction of replicates that may be undefined without making the interval undefined."""

Interval = tuple[float, float]


def resampled_images(table: SetTable, *, replicates: int, seed: int) -> ResampledImages:
    """Returns sums over resamples of each GM's images in a set, for a number of replicates."""
    # All terms from the first head on are 0 or 1.
    whole = table.columns.heads[0].start
    return ResampledImages.of(table.rows, whole, replicates=replicates, seed=seed)


def bootstrap(table: SetTable, images: ResampledImages) -> GMSums:
    """Draws the replicates of a set.

    The draws depend only on the set (its name, and the names, strata and numbers of images of its
    GMs), the number of replicates and the seed: two methods that predicted the same images get the
    same draws, which pairs their replicates.

    Args:
        table: The set.
        images: Resamples of its images, which give the number of replicates and the seed.

    Returns:
        Sums over each replicate's images, with a leading axis of replicates.
    """
    drawn = draws(
        table.name, table.gms, table.strata, images.n_images, images.replicates, images.seed
    )
    return table.sums.drawn(drawn.gms, drawn.sums(images), drawn.facts(table.sums.facts))


@dataclass(frozen=True)
class Resampled:
    """A number of one set, or an array of numbers, with the data that its interval needs.

    Attributes:
        value: The number, shape (...).
        replicates: Its bootstrap replicates, shape (replicates, ...); empty where no interval is
            wanted.
        left_out: The number without each of the set's GMs in turn, shape (GMs, ...).
        strata: Stratum of each of the set's GMs, from 0, shape (GMs,).
        gms: Names of the set's GMs; a name that occurs again is the same GM in another set. Empty
            where no GM is in two.
    """

    value: Array
    replicates: Array
    left_out: Array
    strata: NDArray[np.int64]
    gms: tuple[str, ...] = ()

    @property
    def n_strata(self) -> int:
        """Number of strata."""
        return int(self.strata.max()) + 1

    def __getitem__(self, place: int) -> Resampled:
        """Returns one number of an array."""
        replicates = self.replicates[:, place] if len(self.replicates) else self.replicates
        left_out = self.left_out[:, place]
        return replace(self, value=self.value[place], replicates=replicates, left_out=left_out)

    def __sub__(self, other: Resampled) -> Resampled:
        """Returns the difference between two methods' numbers for the same set."""
        return replace(
            self,
            value=self.value - other.value,
            replicates=self.replicates - other.replicates,
            left_out=self.left_out - other.left_out,
        )


def resample(
    function: Callable[[GMSums], Array], table: SetTable, sample: GMSums | None
) -> Resampled:
    """Applies a metric to a set, to its replicates and to the set without each GM in turn."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return Resampled(
            value=np.asarray(function(table.sums)),
            replicates=np.empty(0) if sample is None else function(sample),
            left_out=function(table.leave_one_out),
            strata=np.array(table.strata),
            gms=table.gms,
        )


def interval(
    parts: Sequence[Resampled], bounds: tuple[float, float] = (-math.inf, math.inf)
) -> Interval | None:
    """Returns the 95% interval of a number's mean over sets: percentiles with three corrections.

    Expanded: with few GMs the plain percentiles are too narrow, so their levels are moved outwards
    as Student's t requires (Hesterberg, The American Statistician 69(4), 2015, section 5.3), with
    as many degrees of freedom as all sets have GMs minus strata, and proportionally fewer where
    sets share GMs. Recentred: a resample holds fewer distinct GMs than the set, which moves F1
    scores and R2 by a known amount; the percentiles are moved back so that the replicates' mean
    meets the estimate. Widened: where the jackknife over GMs gives a larger standard error than the
    replicates, as for macro F1 and for sets that share GMs, the interval is stretched by their
    ratio.

    Args:
        parts: The number in each set.
        bounds: Smallest and largest value that the number can take.

    Returns:
        Lower and upper ends; None where there are no replicates, where the number or too many
        replicates are undefined, or where no set has two GMs.
    """
    if not all(len(part.replicates) for part in parts):
        return None
    estimate = sum(float(part.value) for part in parts) / len(parts)
    replicates = sum((part.replicates for part in parts), start=np.zeros(1)) / len(parts)
    defined = replicates[np.isfinite(replicates)]
    freedom = degrees_of_freedom(parts)
    enough = len(defined) >= (1 - _MOST_UNDEFINED) * len(replicates)
    if not (math.isfinite(estimate) and enough and freedom >= 1):
        return None
    defined.sort()
    level, mean, spread = _level(freedom), defined.mean(), float(defined.std())
    low, high = (_quantile(defined, one) - mean for one in (level, 1 - level))
    jackknife = jackknife_error(parts)
    wider = max(1.0, jackknife / spread) if spread > 0 else 1.0
    low, high = estimate + wider * min(low, 0.0), estimate + wider * max(high, 0.0)
    least, most = bounds
    return min(max(float(low), least), most), min(max(float(high), least), most)


def degrees_of_freedom(parts: Sequence[Resampled]) -> int:
    """Returns how many GMs minus strata all sets have, proportionally fewer where they share GMs.

    Args:
        parts: A number in each set.
    """
    freedom = sum(len(part.strata) - part.n_strata for part in parts)
    if freedom and (units := shared_gms([part.gms for part in parts])) is not None:
        freedom = max(freedom * (int(units.max()) + 1) // len(units), 1)
    return freedom


@cache
def _level(freedom: int) -> float:
    """Returns the percentile level of the lower end."""
    return float(ndtr(stdtrit(freedom, (1 - CONFIDENCE) / 2)))


def shared_gms(sets: Sequence[Sequence[str]]) -> NDArray[np.int64] | None:
    """Returns which GM each name of all sets is, from 0; None where no name occurs twice."""
    names = [name for gms in sets for name in gms]
    if len(set(names)) == len(names):
        return None
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def jackknife_error(parts: Sequence[Resampled]) -> float:
    """Returns the jackknife standard error of a mean over sets; 0 where undefined.

    Args:
        parts: The number in each set; its values without each GM in turn are compared within a
            stratum. A GM of several sets is left out of all of them at once.
    """
    variance, moved = 0.0, []
    for part in parts:
        if not np.isfinite(part.left_out).all():
            return 0.0
        n = np.bincount(part.strata)
        means = np.bincount(part.strata, part.left_out) / np.maximum(n, 1)
        apart = part.left_out - means[part.strata]
        squares = np.bincount(part.strata, apart**2)
        # Leaving out one of n_all GMs moves the number by 1 / (n_all - 1) of the GM's deviation.
        n_all, several = len(part.left_out), n > 1
        wider = (n[several] / (n[several] - 1) * squares[several]).sum()
        variance += (n_all - 1) ** 2 / n_all**2 * wider
        moved.append((n_all - 1) / n_all * np.sqrt(n / np.maximum(n - 1, 1))[part.strata] * apart)
    if (units := shared_gms([part.gms for part in parts])) is not None:
        variance = float((np.bincount(units, np.concatenate(moved)) ** 2).sum())
    return math.sqrt(variance) / len(parts)


def _quantile(ordered: Array, level: float) -> float:
    """Returns a quantile of sorted numbers by linear interpolation."""
    place = level * (len(ordered) - 1)
    below = min(int(place), len(ordered) - 2)
    low, high = ordered[below], ordered[below + 1]
    return float(low + (high - low) * (place - below))
