"""Traces of predictions: packed decisions are compared as the rows themselves would be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gmbench.board.flags import FIRST_LOOK, flag_copies
from gmbench.board.traces import ALIKE, NEAR, Trace, alike, packed, trace_of
from gmbench.predictions.checks import Checklist, Status
from gmbench.predictions.predictions import Predictions
from tests.evaluation.populations import random_predictions, small_benchmark

BENCHMARK = small_benchmark(5)


def plainly(one: Predictions, other: Predictions) -> float:
    """The part of rows that are alike, value by value."""
    n_alike = 0
    near = np.maximum(NEAR * BENCHMARK.span, 0.5) + 1e-6 * BENCHMARK.span
    for row in range(len(one)):
        mine, its = one.values, other.values
        same = np.sum(np.abs(mine.continuous[row] - its.continuous[row]) <= near)
        same += np.sum(mine.discrete[row] == its.discrete[row])
        same += np.sum((mine.losses[row] >= 0.5) == (its.losses[row] >= 0.5))
        n_alike += int(same >= ALIKE)
    return n_alike / len(one)


@pytest.mark.parametrize("seed", range(6))
def test_as_value_by_value(seed: int) -> None:
    generator = np.random.default_rng(seed)
    one = random_predictions(BENCHMARK, 1)
    counts, discrete, losses = (
        getattr(one.values, name).copy() for name in ("continuous", "discrete", "losses")
    )
    # Of some rows a few values become others, of some none.
    for values in (counts, discrete, losses):
        changed = generator.random(values.shape) < 0.04
        values[changed] = values[generator.permutation(len(values))][changed]
    other = replace(
        one, values=replace(one.values, continuous=counts, discrete=discrete, losses=losses)
    )
    expected = plainly(one, other)
    assert 0.1 < expected < 0.95
    assert alike(trace_of(one), trace_of(other), BENCHMARK) == expected


def test_classes_of_high_index_are_no_other_parameters() -> None:
    decisions = np.zeros((3, 16), dtype=np.int64)
    decisions[0, 0], decisions[1, 1], decisions[2, 0] = 16, 1, 127
    counts = np.zeros((1, 9), dtype=np.float32)
    one, other, third = (Trace(packed(row[None]), counts) for row in decisions)
    assert alike(one, other, BENCHMARK) == 0.0  # Two decisions differ.
    assert alike(one, third, BENCHMARK) == 1.0


def test_rows_that_are_no_ones() -> None:
    one = trace_of(random_predictions(BENCHMARK, 1))
    fewer = trace_of(random_predictions(BENCHMARK, 1).take(np.arange(10)))
    assert alike(one, fewer, BENCHMARK) == 0.0
    assert alike(one, one, BENCHMARK) == 1.0


def test_few_rows_are_looked_at_first_and_no_copy_is_missed() -> None:
    """Of two that are alike in 60% of the rows, and of two in 45% of them."""
    benchmark = small_benchmark(100)
    one = random_predictions(benchmark, 1)
    assert len(one) > 2 * FIRST_LOOK
    for share, flagged in ((0.6, True), (0.45, False)):
        discrete = one.values.discrete.copy()
        changed = np.arange(len(one)) >= share * len(one)
        discrete[changed, :2] = (discrete[changed, :2] + 1) % 4
        other = replace(one, values=replace(one.values, discrete=discrete))
        assert alike(trace_of(one), trace_of(other), benchmark) == pytest.approx(share, abs=0.001)
        traces = {"one": (benchmark, trace_of(one)), "other": (benchmark, trace_of(other))}
        checklist = Checklist("board")
        flag_copies(traces, {"one": "one", "other": "other"}, {"one"}, checklist)
        (check,) = checklist
        assert (check.status is Status.WARNING) == flagged
