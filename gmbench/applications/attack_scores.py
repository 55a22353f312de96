"""AUC and accuracy over pairs of images, with uncertainty that treats GMs as the independent units.

All pairs of the same two GMs (or of one GM) form a cell. AUC is a double sum over cells and
accuracy a single one, so a replicate, which draws GMs rather than pairs, only reweights cells: a
cell with one GM that was drawn twice counts twice, a cell with two such GMs four times. In every
replicate, the five categories keep the weights that they have among the drawn pairs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from gmbench.applications.attack_pairs import CATEGORIES, AttackImages, Pairs
from gmbench.evaluation.intervals import (
    Interval,
    Resampled,
    degrees_of_freedom,
    interval,
    jackknife_error,
)
from gmbench.evaluation.resampling import draws

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

_STEP = 200
"""Number of replicates processed at a time."""


@dataclass(frozen=True)
class Cells:
    """The cells of a set of pairs: each is one GM, or two, in one category.

    Attributes:
        of_pair: Cell of each pair, shape (pairs,).
        one: First GM of each cell, shape (cells,).
        other: Second GM of each cell, equal to the first in cells of one GM.
        categories: Category of each cell.
        sizes: Number of pairs in each cell.
        n_gms: Number of GMs.
        drawn: How often each replicate draws each GM, shape (replicates, GMs).
        strata: Stratum of each GM: its parser, and whether it was seen.
        names: Name of each GM; one parsed by two parsers occurs twice.
    """

    of_pair: Whole
    one: Whole
    other: Whole
    categories: Whole
    sizes: Whole
    n_gms: int
    drawn: Whole
    strata: Whole
    names: tuple[str, ...]

    @classmethod
    def of(cls, images: AttackImages, pairs: Pairs, replicates: int, seed: int) -> Cells:
        """Groups pairs into cells and draws the GMs of the replicates.

        Args:
            images: The paired images.
            pairs: The pairs.
            replicates: Number of replicates.
            seed: Seed of the draw.
        """
        ends = np.stack([images.gms[pairs.first], images.gms[pairs.second]])
        keys = np.stack([ends.min(axis=0), ends.max(axis=0)], axis=1)
        cells, of_pair = np.unique(keys, axis=0, return_inverse=True)
        of_pair = of_pair.ravel()
        categories = np.empty(len(cells), dtype=np.int64)
        categories[of_pair] = pairs.categories
        n = len(images.names)
        _, strata = np.unique(images.parsers * 2 + images.seen, return_inverse=True)
        drawn = draws(
            "attack", images.names, tuple(strata.tolist()), (1,) * n, replicates, seed
        ).gms
        numbered = drawn + n * np.arange(len(drawn))[:, None]
        counts = np.bincount(numbered.ravel(), minlength=n * len(drawn)).reshape(-1, n)
        return cls(
            of_pair, cells[:, 0], cells[:, 1], categories, np.bincount(of_pair), n, counts, strata,
            images.names,
        )  # fmt: skip

    def resampled(self, statistics: Mapping[str, Statistic]) -> dict[str, Resampled]:
        """Returns statistics by name, with their replicates and leave-one-GM-out values."""
        every = np.ones((1, self.n_gms))
        values, left_out, replicates = (
            self._many(statistics, gms) for gms in (every, every - np.eye(self.n_gms), self.drawn)
        )
        return {
            name: Resampled(
                values[name][0], replicates[name], left_out[name], self.strata, self.names
            )
            for name in statistics
        }

    def _many(
        self, statistics: Mapping[str, Statistic], gms: NDArray[np.floating | np.integer]
    ) -> dict[str, Array]:
        found = {name: np.empty(len(gms)) for name in statistics}
        for start in range(0, len(gms), _STEP):
            part = slice(start, start + _STEP)
            weights = self._weights(gms[part])
            for name, statistic in statistics.items():
                found[name][part] = statistic.of(weights)
        return found

    def _weights(self, gms: NDArray[np.floating | np.integer]) -> Array:
        """Returns the weight of each cell, given weights of GMs, shape (..., cells)."""
        weights = gms[..., self.one] * np.where(self.one == self.other, 1, gms[..., self.other])
        weights = weights * self.sizes.astype(np.float64)
        for number in range(len(CATEGORIES)):
            cells = self.categories == number
            share = weights[..., cells]
            total = share.sum(axis=-1, keepdims=True)
            wanted = float(self.sizes[cells].sum())
            with np.errstate(invalid="ignore", divide="ignore"):
                weights[..., cells] = np.where(total > 0, share * wanted / total, 0.0)
        return np.asarray(weights)


class Statistic:
    """A number computed from the weights of cells."""

    def of(self, weights: Array) -> Array:
        """Returns the number for each row of weights of shape (rows, cells); NaN if undefined."""
        raise NotImplementedError


@dataclass(frozen=True)
class Mean(Statistic):
    """The mean of a value over pairs.

    Attributes:
        values: Mean of the value in each cell, shape (cells,).
        among: Which cells count, shape (cells,).
    """

    values: Array
    among: NDArray[np.bool_]

    @classmethod
    def over(
        cls, cells: Cells, values: NDArray[np.bool_], among: NDArray[np.bool_] | None = None
    ) -> Mean:
        """Returns the share of pairs for which a condition holds.

        Args:
            cells: The cells.
            values: Whether the condition holds for each pair, shape (pairs,).
            among: Which pairs count; must select whole cells. None selects all.
        """
        sums = np.bincount(cells.of_pair, weights=values, minlength=len(cells.sizes))
        chosen = np.ones(len(cells.sizes), dtype=np.bool_)
        if among is not None:
            chosen = np.bincount(cells.of_pair, weights=among, minlength=len(cells.sizes)) > 0
        return cls(sums / cells.sizes, chosen)

    def of(self, weights: Array) -> Array:
        """Returns the mean for each row of weights."""
        chosen = weights * self.among
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(chosen @ self.values / chosen.sum(axis=-1))


@dataclass(frozen=True)
class AUC(Statistic):
    """How often a pair of one GM is more similar than a pair of two GMs; ties count half.

    Attributes:
        same: Cells of one GM.
        different: Cells of two GMs.
        wins: Share of comparisons that a cell of one GM wins against a cell of two GMs, shape
            (same, different).
    """

    same: Whole
    different: Whole
    wins: Array

    @classmethod
    def of_scores(cls, cells: Cells, scores: Array, among: NDArray[np.bool_] | None = None) -> AUC:
        """Compares every pair of one GM with every pair of two GMs.

        Args:
            cells: The cells.
            scores: Similarity of each pair, shape (pairs,).
            among: Which cells of two GMs count, shape (cells,); None selects all.
        """
        is_same = cells.one == cells.other
        same = np.flatnonzero(is_same)
        different = np.flatnonzero(~is_same if among is None else ~is_same & among)
        place = np.full(len(cells.sizes), -1)
        place[different] = np.arange(len(different))
        chosen = place[cells.of_pair] >= 0
        others, cell_of = scores[chosen], place[cells.of_pair[chosen]]
        wins = np.empty((len(same), len(different)))
        for row, cell in enumerate(same):
            own = np.sort(scores[cells.of_pair == cell])
            below = np.searchsorted(own, others, "left") + np.searchsorted(own, others, "right")
            won = 1 - below / (2 * len(own))
            wins[row] = np.bincount(cell_of, weights=won, minlength=len(different))
        return cls(same, different, wins / cells.sizes[different])

    def of(self, weights: Array) -> Array:
        """Returns the AUC for each row of weights."""
        same, different = weights[:, self.same], weights[:, self.different]
        sums = ((same @ self.wins) * different).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(sums / (same.sum(axis=1) * different.sum(axis=1)))


def ends(part: Resampled, bounds: tuple[float, float] = (0.0, 1.0)) -> Interval | None:
    """Returns the 95% interval of a statistic."""
    return interval([part], bounds)


def p_value(difference: Resampled) -> float:
    """Returns the two-sided p-value for no difference, by Student's t; NaN if undefined.

    The standard error is the larger of the bootstrap's and the jackknife's. As in the interval, the
    degrees of freedom are the number of GMs minus the number of strata.
    """
    freedom = degrees_of_freedom([difference])
    replicates = difference.replicates[np.isfinite(difference.replicates)]
    spread = replicates.std() if len(replicates) else 0.0
    error = max(float(spread), jackknife_error([difference]))
    value = float(difference.value)
    if not math.isfinite(value) or freedom < 1 or abs(value) < 1e-12:
        return math.nan
    return float(2 * stdtr(freedom, -abs(value) / error)) if error > 0 else 0.0


def best_threshold(scores: Array, same: NDArray[np.bool_], share_same: float) -> float:
    """Returns the most accurate threshold; pairs at or above it are taken to be of one GM.

    Args:
        scores: Similarity of each pair, shape (pairs,).
        same: Whether each pair is of one GM.
        share_same: Share of pairs of one GM among those to be judged; pairs are weighted to
            match it.

    Returns:
        A threshold midway between two similarities; the highest of equally good ones.
    """
    order = np.argsort(-scores, kind="stable")
    weights = np.where(same, share_same / same.sum(), -(1 - share_same) / (~same).sum())[order]
    ranked = scores[order]
    gained = np.concatenate([[0.0], np.cumsum(weights)])
    # No threshold can separate equal similarities.
    possible = np.concatenate([[True], ranked[1:] < ranked[:-1], [True]])
    # Rounding errors must not break ties.
    best = int(np.argmax(np.where(possible, np.round(gained, 12), -np.inf)))
    edges = np.concatenate([[ranked[0] + 1.0], ranked, [ranked[-1] - 1.0]])
    return float((edges[best] + edges[best + 1]) / 2)
