"""Tests of whether two methods differ, on the same images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtr

from gmbench.evaluation.statistics import Array, SetTable


def paired_t_test(first: Array, second: Array) -> float:
    """Returns the two-sided p-value of the paired t-test; NaN where it is not defined.

    The null hypothesis: the differences come from a normal distribution of mean zero
    (section 4.2 of the paper).

    Args:
        first: One value an image, or a GM, shape (n,).
        second: The other method's values of the same images or GMs.
    """
    differences = first - second
    n = len(differences)
    # Equal up to rounding is equal: a spread of 1e-17 would make anything significant.
    if n < 2 or np.abs(differences).max() < 1e-12:
        return float("nan")
    spread = differences.std(ddof=1)
    if spread == 0:
        return 0.0
    return float(2 * stdtr(n - 1, -abs(differences.mean() / (spread / np.sqrt(n)))))


def p_values(table: SetTable, other: SetTable) -> tuple[float, float]:
    """Returns `p_value` and `p_value_images`: whether two methods' errors differ.

    Args:
        table: What one method predicts of a set.
        other: What the other predicts of the same images.

    Returns:
        The p-value of the paired t-test on the GMs' mean errors, and of that on the images' errors,
        which takes the images of one GM for independent (section 4.2 of the paper).
    """
    first, second = table.image_errors, other.image_errors
    of_gms = [np.array([error.mean() for error in errors]) for errors in (first, second)]
    return paired_t_test(*of_gms), paired_t_test(np.concatenate(first), np.concatenate(second))


def holm(p_values: Sequence[float]) -> list[float]:
    """Returns p-values corrected for being many (Holm, 1979), in the order given.

    Args:
        p_values: Uncorrected p-values of one family of tests.
    """
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, position in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[position]))
        corrected[position] = largest
    return corrected
