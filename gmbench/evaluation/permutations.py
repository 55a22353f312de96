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
from gmbench.evaluation.statistics import Array, GMSums

PERMUTATIONS = 100_000

_MOST_GMS = 12
"""GMs of a set all of whose exchanges are computed; of larger sets those that are drawn."""

_AT_ONCE = 1024


def permutation_tests(
    first: Sequence[GMSums],
    second: Sequence[GMSums],
    metrics: Sequence[Metric],
    permutations: int,
    seed: int,
) -> dict[str, float]:
    """Returns each metric's two-sided p-value: how often chance makes a difference as large.

    Args:
        first: One method's sums, set by set.
        second: The other's, of the same images.
        metrics: What is tested: the difference of the means over the sets.
        permutations: Random exchanges; the smallest p-value is 1 / (permutations + 1).
        seed: Seed of the exchanges.
    """
    generator = np.random.default_rng(seed)
    observed, drawn = np.zeros(len(metrics)), np.zeros((permutations, len(metrics)))
    for one, other in zip(first, second, strict=True):
        n_gms = len(one.counts)
        if n_gms <= _MOST_GMS:
            ways = np.arange(2**n_gms)[:, None] >> np.arange(n_gms) & 1 == 1
            mixed = _mixed(one, other, ways, metrics)
            # What is left of an exchange is the exchange of all other GMs.
            differences = mixed - mixed[::-1]
            observed += differences[0]
            drawn += differences[generator.integers(0, len(ways), permutations)]
        else:
            ways = np.zeros((1 + permutations, n_gms), bool)
            ways[1:] = generator.random((permutations, n_gms)) < 0.5
            differences = _mixed(one, other, ways, metrics) - _mixed(other, one, ways, metrics)
            observed += differences[0]
            drawn += differences[1:]
    # Equal up to rounding counts as equal.
    as_large = np.abs(drawn) >= np.abs(observed) - 1e-12 * len(first)
    p_values = (1 + as_large.sum(axis=0)) / (permutations + 1)
    return dict(zip((metric.name for metric in metrics), p_values.tolist(), strict=True))


def _mixed(
    first: GMSums, second: GMSums, ways: NDArray[np.bool_], metrics: Sequence[Metric]
) -> Array:
    """Returns each metric of the first method with the second's GMs put in, (ways, metrics).

    Args:
        first: One method's sums of a set.
        second: The other's.
        ways: Which GMs are exchanged, shape (ways, GMs).
        metrics: What is computed.
    """
    found = []
    for start in range(0, len(ways), _AT_ONCE):
        exchanged = ways[start : start + _AT_ONCE, :, None]
        mixed = replace(first, totals=np.where(exchanged, second.totals, first.totals))
        with np.errstate(invalid="ignore", divide="ignore"):
            values = [metric.value(mixed) for metric in metrics if metric.value is not None]
        found.append(np.stack(values, axis=1))
    return np.concatenate(found)
