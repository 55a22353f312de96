"""Tests of a difference of two methods by exchanging their answers on whole GMs at random.

Were the two methods as good as each other, what each contributes to its metric at a GM could be
exchanged: a permutation exchanges the contributions of each GM with probability one half. Of whole
GMs, because the images of one GM are not independent.

A GM's contribution is what the jackknife says: how far the metric moves without it. Contributions
are exchanged and not predictions, because a metric such as a correlation of two methods' mixed
predictions says little of either. And a difference is judged by its own standard error, exchange by
exchange (studentised): otherwise a method whose errors vary far more between GMs than the other's
is called different too often (docs/statistics.md has the rates).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gmbench.evaluation.intervals import Resampled
from gmbench.evaluation.statistics import Array

PERMUTATIONS = 100_000

_EQUAL = 1e-12
"""Differences below this are rounding."""

_AT_ONCE = 20_000


def contributions(part: Resampled) -> Array:
    """Returns what each GM contributes to a number of a set, shape (GMs,); their mean is it."""
    left_out = part.left_out
    n_gms = len(left_out)
    return np.asarray(part.value + (n_gms - 1) * (left_out.mean(axis=0) - left_out))


def permutation_tests(
    differences: Mapping[str, Sequence[Resampled]], permutations: int, seed: int
) -> dict[str, float]:
    """Returns each metric's two-sided p-value: how often chance makes a difference as clear.

    Args:
        differences: For each metric its difference of two methods, set by set.
        permutations: Random exchanges; the smallest p-value is 1 / (permutations + 1).
        seed: Seed of the exchanges.

    Returns:
        P-values by metric; NaN where a difference is not defined with all of the GMs, or without
        one of them.
    """
    names = list(differences)
    # (GMs, metrics) for each set.
    sets = [
        np.asarray(np.stack([contributions(part) for part in parts], axis=1), np.float64)
        for parts in zip(*differences.values(), strict=True)
    ]
    as_they_are = [np.ones((1, len(one))) for one in sets]
    observed = _studentised(*_sums(sets, as_they_are), sets)[0]
    generator = np.random.default_rng(seed)
    as_clear = np.zeros(len(names))
    for start in range(0, permutations, _AT_ONCE):
        n = min(_AT_ONCE, permutations - start)
        signs = [np.asarray(1.0 - 2.0 * generator.integers(0, 2, (n, len(one)))) for one in sets]
        drawn = _studentised(*_sums(sets, signs), sets)
        # Equal up to rounding counts as equal.
        as_clear += (drawn >= observed * (1 - 1e-9)).sum(axis=0)
    p_values = (1 + as_clear) / (permutations + 1)
    defined = np.all([np.isfinite(one).all(axis=0) for one in sets], axis=0)
    return dict(zip(names, np.where(defined, p_values, np.nan).tolist(), strict=True))


def _sums(sets: Sequence[Array], signs: Sequence[Array]) -> tuple[list[Array], list[Array]]:
    """Returns means of the exchanged contributions and their variances, set by set.

    Args:
        sets: Contributions of each set, shape (GMs, metrics).
        signs: -1 where the contribution of a GM is exchanged, 1 elsewhere, shape (n, GMs).
    """
    means = [np.asarray(sign @ one / len(one)) for sign, one in zip(signs, sets, strict=True)]
    # An exchange changes a sign: squares stay.
    spreads = [
        np.asarray(
            np.maximum((one**2).mean(axis=0) - mean**2, 0.0) * len(one) / max(len(one) - 1, 1)
        )
        for one, mean in zip(sets, means, strict=True)
    ]
    return means, spreads


def _studentised(means: list[Array], spreads: list[Array], sets: Sequence[Array]) -> Array:
    """Returns |mean over sets| over its standard error, shape (n, metrics)."""
    size = np.abs(np.mean(means, axis=0))
    errors = [spread / len(one) for spread, one in zip(spreads, sets, strict=True)]
    error = np.sqrt(np.sum(errors, axis=0)) / len(sets)
    # Without a spread any difference is clear, and none is none.
    size = np.where(size < _EQUAL, 0.0, size)
    none = np.where(size > 0, np.inf, 0.0)
    clear = np.divide(size, error, out=none, where=error > _EQUAL * np.maximum(size, 1.0))
    return np.asarray(clear)
