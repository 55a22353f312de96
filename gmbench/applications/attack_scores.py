"""AUC and accuracy over pairs of images, and how sure they are: what is independent are the GMs.

All pairs of the same two GMs (or of one) are one cell. AUC is a double sum over cells, accuracy a
single one, so a replicate that draws GMs, and not pairs, weighs cells: one of a GM that it drew
twice counts twice, one of two such GMs four times. In every replicate the five categories weigh
what they weigh among the pairs drawn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from gmbench.applications.attack_pairs import CATEGORIES, AttackImages, Pairs
from gmbench.evaluation.intervals import Interval, Resampled, interval, jackknife_error
from gmbench.evaluation.resampling import draws

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

_STEP = 200
"""Replicates whose cells are weighed together."""


@dataclass(frozen=True)
class Cells:
    """The cells of some pairs: each is one GM, or two, in one category.

    Attributes:
        of_pair: Cell of each pair, shape (pairs,).
        one: A GM of each cell, shape (cells,).
        other: The other one, or the same.
        categories: Category of each cell.
        sizes: Pairs of each cell.
        n_gms: Number of GMs.
        drawn: How often each replicate draws each GM, shape (replicates, GMs).
        strata: Stratum of each GM: its parser, and whether it was seen.
    """

    of_pair: Whole
    one: Whole
    other: Whole
    categories: Whole
    sizes: Whole
    n_gms: int
    drawn: Whole
    strata: Whole

    @classmethod
    def of(cls, images: AttackImages, pairs: Pairs, replicates: int, seed: int) -> Cells:
        """Sorts pairs into cells and draws the GMs of the replicates.

        Args:
            images: What is paired.
            pairs: The pairs.
            replicates: Number of replicates.
            seed: Seed of their draw.
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
            of_pair, cells[:, 0], cells[:, 1], categories, np.bincount(of_pair), n, counts, strata
        )

    def resampled(self, statistics: Mapping[str, Statistic]) -> dict[str, Resampled]:
        """Returns statistics, their replicates, and what they are without each GM, by name."""
        every = np.ones((1, self.n_gms))
        values, left_out, replicates = (
            self._many(statistics, gms) for gms in (every, every - np.eye(self.n_gms), self.drawn)
        )
        return {
            name: Resampled(values[name][0], replicates[name], left_out[name], self.strata)
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
        """Returns the weight of each cell where GMs weigh so much, shape (..., cells)."""
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
    """A number that follows from the weights of cells."""

    def of(self, weights: Array) -> Array:
        """Returns the number for each row of weights, shape (rows, cells); NaN if undefined."""
        raise NotImplementedError


@dataclass(frozen=True)
class Mean(Statistic):
    """The mean over pairs of something that each pair has.

    Attributes:
        values: Its mean over each cell, shape (cells,).
        among: Which cells count, shape (cells,).
    """

    values: Array
    among: NDArray[np.bool_]

    @classmethod
    def over(
        cls, cells: Cells, values: NDArray[np.bool_], among: NDArray[np.bool_] | None = None
    ) -> Mean:
        """Returns the mean over pairs of what is true of some of them.

        Args:
            cells: The cells.
            values: Of each pair, shape (pairs,).
            among: Which pairs count; whole cells. All when None.
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
    """How often a pair of one GM is more alike than a pair of two; ties count half.

    Attributes:
        same: Cells of one GM.
        different: Cells of two.
        wins: Part of the comparisons that a cell of one GM wins against a cell of two, shape
            (same, different).
    """

    same: Whole
    different: Whole
    wins: Array

    @classmethod
    def of_scores(cls, cells: Cells, scores: Array, among: NDArray[np.bool_] | None = None) -> AUC:
        """Compares every pair of one GM with every pair of two.

        Args:
            cells: The cells.
            scores: Similarity of each pair, shape (pairs,).
            among: Which cells of two GMs count, shape (cells,); all when None.
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
    """Returns the two-sided p-value of a difference of 0, by Student's t; NaN if undefined.

    Its standard error is the larger one of the replicates' and of the jackknife's, its degrees of
    freedom are the GMs less the strata, as in the interval.
    """
    freedom = len(difference.strata) - len(np.unique(difference.strata))
    replicates = difference.replicates[np.isfinite(difference.replicates)]
    spread = replicates.std() if len(replicates) else 0.0
    error = max(float(spread), jackknife_error([difference]))
    value = float(difference.value)
    if not math.isfinite(value) or freedom < 1 or abs(value) < 1e-12:
        return math.nan
    return float(2 * stdtr(freedom, -abs(value) / error)) if error > 0 else 0.0


def best_threshold(scores: Array, same: NDArray[np.bool_], share_same: float) -> float:
    """Returns the threshold of most right answers: a pair is of one GM from it on.

    Args:
        scores: Similarity of each pair, shape (pairs,).
        same: Whether it is of one GM.
        share_same: How large a part of the pairs to be judged is of one GM; pairs are weighed so.

    Returns:
        Midway between two similarities; the highest of equally good ones.
    """
    order = np.argsort(-scores, kind="stable")
    weights = np.where(same, share_same / same.sum(), -(1 - share_same) / (~same).sum())[order]
    ranked = scores[order]
    gained = np.concatenate([[0.0], np.cumsum(weights)])
    # Between equal similarities there is no threshold.
    possible = np.concatenate([[True], ranked[1:] < ranked[:-1], [True]])
    # Rounding must not choose among equals.
    best = int(np.argmax(np.where(possible, np.round(gained, 12), -np.inf)))
    edges = np.concatenate([[ranked[0] + 1.0], ranked, [ranked[-1] - 1.0]])
    return float((edges[best] + edges[best + 1]) / 2)
