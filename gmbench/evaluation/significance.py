"""Tests of whether two methods differ on the same images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import stdtr

from gmbench.evaluation.metrics import l1
from gmbench.evaluation.set_table import SetTable, set_tables
from gmbench.evaluation.statistics import Array
from gmbench.predictions.predictions import Predictions


def paired_t_test(first: Array, second: Array) -> float:
    """Returns the two-sided p-value of the paired t-test; NaN where it is not defined.

    The null hypothesis is that the differences come from a normal distribution of mean zero
    (section 4.2 of the paper).

    Args:
        first: One value per image or per GM, shape (n,).
        second: The other method's values for the same images or GMs.
    """
    differences = first - second
    n = len(differences)
    # Equal up to rounding counts as equal: a spread of 1e-17 would make anything significant.
    if n < 2 or np.abs(differences).max() < 1e-12:
        return float("nan")
    spread = differences.std(ddof=1)
    if spread == 0:
        return 0.0
    return float(2 * stdtr(n - 1, -abs(differences.mean() / (spread / np.sqrt(n)))))


@dataclass(frozen=True)
class SetErrors:
    """Absolute errors of a method in the counts of one set, in normalised units.

    Attributes:
        of_images: Mean error of each image, GM by GM, shape (images,).
        of_gms: Their mean over each GM's images, shape (GMs,).
        of_means: Mean error with all images of a GM combined, shape (GMs,).
    """

    of_images: Array
    of_gms: Array
    of_means: Array

    @classmethod
    def of(cls, table: SetTable) -> SetErrors:
        """Returns the errors of a set."""
        errors = table.image_errors
        return cls(
            of_images=np.concatenate(errors),
            of_gms=np.array([one.mean() for one in errors]),
            of_means=l1(table.sums.by_gm.one_gm_each()),
        )


@dataclass(frozen=True, eq=False)
class Reference:
    """What p-values compare with; its errors are computed once for all methods compared with it.

    Attributes:
        predictions: Its predictions.
    """

    predictions: Predictions

    @cached_property
    def errors(self) -> list[SetErrors]:
        """Its errors in each set."""
        return [SetErrors.of(table) for table in set_tables(self.predictions)]


def p_values(first: SetErrors, second: SetErrors) -> tuple[float, float]:
    """Returns a set's `p_value` and `p_value_images`: whether two methods' errors differ.

    Args:
        first: One method's errors.
        second: The other's, on the same images.

    Returns:
        The p-value of the paired t-test on the GMs' mean errors, and that of the test on the
        images' errors, which treats the images of one GM as independent (section 4.2 of the paper).
    """
    of_gms = paired_t_test(first.of_gms, second.of_gms)
    return of_gms, paired_t_test(first.of_images, second.of_images)


def p_value_over_sets(
    gms: Sequence[Sequence[str]], first: Sequence[Array], second: Sequence[Array]
) -> float:
    """Returns the p-value of one paired t-test over all GMs of all sets.

    A GM shared by several sets counts once, with the mean of its differences: the predictions for
    it in different sets are not independent.

    Args:
        gms: Names of the GMs in each set.
        first: One method's error for each GM, in each set.
        second: The other's.
    """
    names = np.concatenate([np.asarray(one) for one in gms])
    differences = np.concatenate(first) - np.concatenate(second)
    _, gm_of = np.unique(names, return_inverse=True)
    means = np.bincount(gm_of, weights=differences) / np.bincount(gm_of)
    return paired_t_test(means, np.zeros(len(means)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Returns p-values corrected for multiple testing (Holm, 1979), in the order given.

    Args:
        p_values: Uncorrected p-values of one family of tests.
    """
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, position in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[position]))
        corrected[position] = largest
    return corrected
