"""The predictions of a submission in a few bytes per row: enough to recognise a copy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmbench.benchmark.benchmark import Benchmark
from gmbench.predictions.predictions import Predictions
from gmbench.schema import N_CONTINUOUS, N_DISCRETE, N_LOSSES, NAMES

_CLASSES = 8 * N_DISCRETE
"""Number of bits of the packed classes, a byte each; behind them, each loss has a bit."""

_LOWEST = np.uint64(0x0101_0101_0101)
"""The lowest bit of each packed class."""

NEAR = 0.02
"""Counts this close, in fractions of their range, are alike: noise does not hide a copy."""

ALIKE = 24
"""Number of the 25 values that make a row alike: changing one everywhere does not hide a copy."""

COPY = 0.5
"""A submission with more than this share of its rows alike another's is called a copy of it.

Of all pairs of honest methods examined, the closest are two that share most of their image
features, with 26% of the rows.
"""


@dataclass(frozen=True)
class Trace:
    """The decisions and counts of every row, in the order of the benchmark's image index.

    Attributes:
        decisions: The 6 classes and the presence of each of the 10 losses, packed; shape (rows,).
        counts: The 9 counts, normalised, shape (rows, 9).
    """

    decisions: NDArray[np.uint64]
    counts: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.decisions)

    def take(self, rows: NDArray[np.int64]) -> Trace:
        """Returns the trace of the given rows."""
        return Trace(self.decisions[rows], self.counts[rows])


def packed(decisions: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Packs 16 decisions into one number, so that whole rows can be compared at once.

    Args:
        decisions: Shape (rows, 16): 6 class indices up to 255, 10 losses as 0 or 1.
    """
    bits = (*range(0, _CLASSES, 8), *range(_CLASSES, _CLASSES + N_LOSSES))
    shifts = np.array(bits, dtype=np.uint64)
    made = np.bitwise_or.reduce(decisions.astype(np.uint64) << shifts, axis=1)
    return np.asarray(made, dtype=np.uint64)


def trace_of(predictions: Predictions) -> Trace:
    """Returns the trace of predictions, with the scores of losses reduced to yes or no."""
    values = predictions.values
    decisions = np.concatenate([values.discrete, values.losses >= 0.5], axis=1, dtype=np.int64)
    counts = predictions.benchmark.normalise(values.continuous)
    return Trace(packed(decisions), counts.astype(np.float32))


def alike(one: Trace, other: Trace, benchmark: Benchmark) -> float:
    """Returns the share of rows that two submissions to a benchmark predict alike.

    Losses are compared as yes or no, and counts up to `NEAR` or to rounding, so that a copy is
    still alike if its scores were set to 0 and 1, its counts rounded, or noise added to it.

    Args:
        one: A submission.
        other: Another submission, with the same rows.
        benchmark: What both predict.
    """
    if len(one) != len(other) or not len(one):
        return 0.0
    differ = one.decisions ^ other.decisions
    n_differ = np.bitwise_count(differ >> np.uint64(_CLASSES))
    for shift in (4, 2, 1):
        differ |= differ >> np.uint64(shift)
    n_differ += np.bitwise_count(differ & _LOWEST)  # One bit for each class that differs.
    # Most rows of most pairs are already ruled out, whatever their counts.
    rows = np.flatnonzero(n_differ <= len(NAMES) - ALIKE)
    # A rounded count is at most half a unit away.
    most = (np.maximum(NEAR, 0.5 / benchmark.span) + 1e-6).astype(np.float32)
    near = np.abs(one.counts[rows] - other.counts[rows]) <= most
    same = len(NAMES) - N_CONTINUOUS - n_differ[rows] + np.count_nonzero(near, axis=1)
    return float(np.count_nonzero(same >= ALIKE) / len(one))
