"""A method against what labels alone reach, parameter by parameter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gmbench.evaluation.evaluate import evaluate, evaluate_resampled
from gmbench.evaluation.over_floor import OverFloor, floor_scores, over_floor
from gmbench.evaluation.significance import Reference
from gmbench.predictions.predictions import Predictions
from gmbench.predictions.reference import mean_mode, median_mode
from gmbench.schema import NAMES
from tests.evaluation.populations import random_predictions, small_benchmark

BENCHMARK = small_benchmark(3)


def compared(predictions: Predictions) -> dict[str, OverFloor]:
    _, parts = evaluate_resampled(
        predictions, Reference(mean_mode(BENCHMARK)), replicates=200, seed=0
    )
    return over_floor(parts.parameters, floor_scores(BENCHMARK, replicates=200, seed=0))


def test_the_difference_is_that_of_two_evaluations() -> None:
    predictions = random_predictions(BENCHMARK, 1)
    found = compared(predictions)
    method, floor = (
        evaluate(one, replicates=0).parameters for one in (predictions, median_mode(BENCHMARK))
    )
    assert tuple(found) == NAMES
    for name, one in found.items():
        key = "l1" if method[name].type == "continuous" else "f1"
        before, after = floor[name].values[key], method[name].values[key]
        assert before is not None
        assert after is not None
        assert one.floor == pytest.approx(before)
        assert one.difference is not None
        assert one.ci is not None
        assert one.difference == pytest.approx(after - before)
        assert one.ci[0] <= one.difference <= one.ci[1]


def test_labels_alone_are_not_told_from_themselves() -> None:
    assert {one.ci for one in compared(median_mode(BENCHMARK)).values()} == {(0.0, 0.0)}


def test_the_interval_is_that_of_the_pair() -> None:
    """A little better everywhere is surely better, however much GMs differ from one another."""
    floor = median_mode(BENCHMARK)
    truth = BENCHMARK.labels[floor.gms][:, :9]
    counts = floor.values.continuous + 0.1 * (truth - floor.values.continuous)
    better = replace(floor, values=replace(floor.values, continuous=np.asarray(counts)))
    one = compared(better)["layers"]
    alone = evaluate(better, replicates=200).parameters["layers"].intervals["l1"]
    assert one.ci is not None
    assert alone is not None
    assert one.floor is not None
    assert one.ci[1] < 0
    assert alone[0] < one.floor < alone[1]
