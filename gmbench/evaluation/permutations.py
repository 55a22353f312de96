"""Tests of a difference of two methods by exchanging their predictions of whole GMs at random.

Were the two methods the same, their predictions of a GM could be exchanged. Each permutation
exchanges those of each GM with probability one half: of whole GMs, because the images of one GM
are not independent.

A set of 12 GMs has only 4,096 ways to exchange. Its metrics are computed for each of them once;
a permutation of all sets then is a look-up and a sum, so that 100,000 cost less than 1,000
computed one by one. It takes so many because p-values are corrected for the number of tests: of
14 methods in pairs, in seven metrics, that is 637.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gmbench.evaluation.metrics import Metric
from gmbench.evaluation.statistics import Array, SetTable

PERMUTATIONS = 100_000

_MOST_GMS = 12
"""GMs of a set all of whose exchanges are computed; of larger sets those that are drawn."""

_AT_ONCE = 1024


def permutation_tests(
    first: Sequence[SetTable],
    second: Sequence[SetTable],
    metrics: Sequence[Metric],
    permutations: int,
    seed: int,
) -> dict[str, float]:
    """Returns each metric's two-sided p-value: how often chance makes a difference as large.

    Args:
        first: One method's sets.
        second: The other's, of the same images.
        metrics: What is tested: the difference of the means over the sets.
        permutations: Random exchanges; the smallest p-value is 1 / (permutations + 1).
        seed: Seed of the exchanges.
    """
    generator = np.random.default_rng(seed)
    observed, drawn = np.zeros(len(metrics)), np.zeros((permutations, len(metrics)))
    for one, other in zip(first, second, strict=True):
        n_gms = len(one.gms)
        if n_gms <= _MOST_GMS:
            ways = np.arange(2**n_gms)[:, None] >> np.arange(n_gms) & 1 == 1
            differences = _differences(one, other, ways, metrics)
            observed += differences[0]
            drawn += differences[generator.integers(0, len(ways), permutations)]
        else:
            ways = generator.random((permutations, n_gms)) < 0.5
            observed += _differences(one, other, np.zeros((1, n_gms), bool), metrics)[0]
            drawn += _differences(one, other, ways, metrics)
    # Equal up to rounding counts as equal.
    as_large = np.abs(drawn) >= np.abs(observed) - 1e-12 * len(first)
    p_values = (1 + as_large.sum(axis=0)) / (permutations + 1)
    return dict(zip((metric.name for metric in metrics), p_values.tolist(), strict=True))


def _differences(
    first: SetTable, second: SetTable, ways: NDArray[np.bool_], metrics: Sequence[Metric]
) -> Array:
    """Returns first less second of each metric, shape (ways, metrics).

    Args:
        first: One method's images of a set.
        second: The other's.
        ways: Which GMs are exchanged, shape (ways, GMs).
        metrics: What is compared.
    """
    a, b = first.sums, second.sums
    found = []
    for start in range(0, len(ways), _AT_ONCE):
        exchanged = ways[start : start + _AT_ONCE, :, None]
        mixed = replace(a, totals=np.where(exchanged, b.totals, a.totals))
        rest = replace(a, totals=np.where(exchanged, a.totals, b.totals))
        with np.errstate(invalid="ignore", divide="ignore"):
            found.append(
                np.stack(
                    [m.value(mixed) - m.value(rest) for m in metrics if m.value is not None],
                    axis=1,
                )
            )
    return np.concatenate(found)
