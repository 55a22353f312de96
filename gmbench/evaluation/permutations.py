"""Permutation tests of the difference between two methods, which exchange whole GMs at random.

If the two methods were equally good, what each contributes to its metric at a GM could be
exchanged: a permutation exchanges the contributions of each GM with probability one half. It
exchanges whole GMs because the images of one GM are not independent.

A GM's contribution is given by the jackknife: how far the metric moves without it. Contributions
are exchanged rather than predictions, because a metric such as a correlation says little about
either method when computed from a mixture of their predictions. A difference is judged by its own
standard error in each exchange (studentised): otherwise a method whose errors vary far more between
GMs than the other's is called different too often (docs/statistics.md has the rates).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gmbench.evaluation.intervals import Resampled, shared_gms
from gmbench.evaluation.statistics import Array

PERMUTATIONS = 100_000

_EQUAL = 1e-12
"""Differences below this are rounding."""

_AT_ONCE = 20_000
"""Exchanges drawn at once."""

_NUMBERS = 250_000
"""Numbers processed at once: 2 MB, which stay in the processor's cache."""


def contributions(part: Resampled) -> Array:
    """Returns each GM's contribution to a set's number, shape (GMs,); the number is their mean."""
    left_out = part.left_out
    n_gms = len(left_out)
    return np.asarray(part.value + (n_gms - 1) * (left_out.mean(axis=0) - left_out))


def by_gm(sets: Sequence[Array], gms: Sequence[Sequence[str]]) -> Sequence[Array]:
    """Returns contributions in which every GM is exchanged once, however many sets it is in.

    Args:
        sets: For each set, its GMs' contributions to each number, shape (GMs, numbers).
        gms: Names of the GMs of each set.

    Returns:
        The sets as they are where they share no GM; else a single one of all GMs, whose mean is
        the mean over the sets.
    """
    units = shared_gms(gms)
    if units is None:
        return sets
    joined = np.zeros((int(units.max()) + 1, sets[0].shape[1]))
    np.add.at(joined, units, np.concatenate([one / len(one) for one in sets]))
    return [joined * (len(joined) / len(sets))]


def contributed(metrics: Mapping[str, Sequence[Resampled]]) -> Sequence[Array]:
    """Returns the contributions to each metric, by set, shape (GMs, metrics); see `by_gm`."""
    sets = list(zip(*metrics.values(), strict=True))
    made = [
        np.asarray(np.stack([contributions(part) for part in parts], axis=1), np.float64)
        for parts in sets
    ]
    return by_gm(made, [parts[0].gms for parts in sets])


def permutation_tests(
    differences: Mapping[str, Sequence[Resampled]], permutations: int, seed: int
) -> dict[str, float]:
    """Returns each metric's two-sided p-value: how often chance makes a difference as clear.

    Args:
        differences: Difference between two methods in each metric, for each set.
        permutations: Number of random exchanges; the smallest p-value is 1 / (permutations + 1).
        seed: Seed of the exchanges.

    Returns:
        P-values by metric; NaN where a difference is undefined with all GMs or without one of them.
    """
    p_values = exchange_tests(contributed(differences), permutations, seed)
    return dict(zip(differences, p_values.tolist(), strict=True))


def exchange_tests(sets: Sequence[Array], permutations: int, seed: int) -> Array:
    """Returns two-sided p-values of many differences, all from the same exchanges.

    Args:
        sets: For each set, its GMs' contributions to each difference, shape (GMs, differences).
        permutations: Number of random exchanges; the smallest p-value is 1 / (permutations + 1).
        seed: Seed of the exchanges.

    Returns:
        Shape (differences,); NaN where a contribution is not finite.
    """
    as_they_are = [np.ones((1, len(one))) for one in sets]
    # Equal up to rounding counts as equal.
    observed = _studentised(as_they_are, sets)[0] * (1 - 1e-9)
    n_rows = max(_NUMBERS // max(len(observed), 1), 1)
    generator = np.random.default_rng(seed)
    as_clear = np.zeros(len(observed))
    for start in range(0, permutations, _AT_ONCE):
        n = min(_AT_ONCE, permutations - start)
        signs = [np.asarray(1.0 - 2.0 * generator.integers(0, 2, (n, len(one)))) for one in sets]
        for row in range(0, n, n_rows):
            drawn = _studentised([one[row : row + n_rows] for one in signs], sets)
            as_clear += np.count_nonzero(drawn >= observed, axis=0)
    defined = np.all([np.isfinite(one).all(axis=0) for one in sets], axis=0)
    return np.where(defined, (1 + as_clear) / (permutations + 1), np.nan)


def _studentised(signs: Sequence[Array], sets: Sequence[Array]) -> Array:
    """Returns |mean over sets| / its standard error after exchanges, shape (n, differences).

    Args:
        signs: -1 where the contributions of a GM are exchanged, 1 elsewhere, shape (n, GMs).
        sets: Contributions of each set, shape (GMs, differences).
    """
    size = np.zeros((len(signs[0]), sets[0].shape[1]))
    error = np.zeros_like(size)
    for sign, one in zip(signs, sets, strict=True):
        mean = sign @ (one / len(one))
        size += mean
        # An exchange flips a sign, which leaves squares unchanged.
        np.square(mean, out=mean)
        np.subtract((one**2).mean(axis=0), mean, out=mean)
        np.maximum(mean, 0.0, out=mean)
        mean /= max(len(one) - 1, 1)
        error += mean
    np.abs(size, out=size)
    size /= len(sets)
    np.sqrt(error, out=error)
    error /= len(sets)
    # Without spread, any difference is infinitely clear, and no difference stays 0.
    size[size < _EQUAL] = 0.0
    none = np.where(size > 0, np.inf, 0.0)
    return np.asarray(
        np.divide(size, error, out=none, where=error > _EQUAL * np.maximum(size, 1.0))
    )
