"""What labels alone reach for each GM: the zero of the skill metrics.

Among predictions that know nothing but the set's own training GMs, the median of each count has
the smallest absolute error, and the base rate of each loss the smallest log-loss. Both are
constants.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmbench.evaluation.log_loss import log_loss_of_known

Labels = tuple[NDArray[np.float64], NDArray[np.int64]]
"""Normalised counts (GMs, 9), NaN where unknown; losses (GMs, 10), 0 or 1, -1 where unknown."""


def floor_errors(training: Labels, test: Labels) -> NDArray[np.float64]:
    """Returns what the training GMs' constants cost for each test GM, shape (test GMs, 10).

    Args:
        training: Labels of the set's training GMs; each counts once.
        test: Labels of its test GMs.

    Returns:
        The absolute error of the training median of each count, in normalised units, then the
        log-loss of the training base rates, as in `log_loss_of_known`. Medians and rates are over
        known labels; an unknown label of a test GM costs 0, one that is known for no training GM
        has no cost: NaN.
    """
    counts, losses = training
    medians = np.array([_of(np.median, column[~np.isnan(column)]) for column in counts.T])
    rates = np.array([_of(np.mean, column[column >= 0]) for column in losses.T])
    errors = np.where(np.isnan(test[0]), 0.0, np.abs(medians - test[0]))
    return np.column_stack([errors, log_loss_of_known(rates, test[1])])


def _of(statistic: Callable[[NDArray[Any]], Any], known: NDArray[Any]) -> float:
    return float(statistic(known)) if len(known) else np.nan
