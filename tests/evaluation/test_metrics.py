"""Metrics of results: parameters, numbers worked out by hand, what is undefined, bounds."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import r2_score

from gmbench.benchmark.benchmark import Benchmark
from gmbench.benchmark.catalog import GM
from gmbench.evaluation.comparison import COMPARED
from gmbench.evaluation.evaluate import evaluate
from gmbench.evaluation.metrics import METRICS
from gmbench.evaluation.ransac import ransac_slope
from gmbench.predictions.columns import Values
from gmbench.predictions.predictions import Predictions
from gmbench.schema import CONTINUOUS, DISCRETE, LOSSES
from tests.evaluation.populations import random_predictions, small_benchmark


def test_parameters_equal_their_references() -> None:
    benchmark = small_benchmark(6)
    predictions = random_predictions(benchmark, 1)
    result = evaluate(predictions, replicates=0)
    n_sets = len(benchmark.sets)
    for column, parameter in enumerate(CONTINUOUS):
        expected = np.zeros(3)
        for number in range(n_sets):
            rows = predictions.sets == number
            y = benchmark.normalise(benchmark.labels[predictions.gms[rows], :9])[:, column]
            p = benchmark.normalise(predictions.values.continuous[rows])[:, column]
            expected += [np.abs(p - y).mean(), stats.pearsonr(p, y)[0], r2_score(y, p)]
        found = result.parameters[parameter.name].values
        expected /= n_sets
        assert [found["l1"], found["correlation"], found["r2"]] == pytest.approx(expected.tolist())
    chosen = np.concatenate(
        [predictions.values.discrete, predictions.values.losses >= 0.5], axis=1
    ).astype(int)
    for head, parameter in enumerate((*DISCRETE, *LOSSES)):
        y, p = benchmark.labels[predictions.gms, 9 + head].astype(int), chosen[:, head]
        confusion = np.array(result.parameters[parameter.name].confusion)
        for true in range(len(confusion)):
            for guess in range(len(confusion)):
                assert confusion[true, guess] == np.sum((y == true) & (p == guess))


def _by_hand() -> Predictions:
    """Two GMs in one set, two images each, and one to train on.

    All parameters but `layers` and all heads but `normalization` and `loss_ce` are right and the
    same everywhere. `layers` runs from 0 to 10 over the three GMs:

        GM  layers  normalised  predicted     normalised  |error|   sum over images
        A      0       0.0      1.0, 3.0       0.1, 0.3   0.1, 0.3        0.4
        B     10       1.0      8.0, 8.0       0.8, 0.8   0.2, 0.2        0.4
    """

    def gm(name: str, layers: float, norm: float, ce: float) -> GM:
        return GM(name, "GAN", "x", (layers, *([0.0] * 8), norm, *([0.0] * 14), ce))

    benchmark = Benchmark(
        "hand", "1", (gm("A", 0, 0, 1), gm("B", 10, 1, 0), gm("C", 5, 0, 1)),
        {"set_1": ("A", "B")}, (2, 2, 2),
    )  # fmt: skip
    values = np.zeros((4, 25))
    values[:, 0] = [1, 3, 8, 8]
    values[:, 9] = [0, 1, 1, 1]
    values[:, 24] = [0.9, 0.5, 0.5, 0.1]
    return Predictions.of(benchmark, "hand", values, normalised=False)


def test_numbers_worked_out_by_hand() -> None:
    result = evaluate(_by_hand(), replicates=0)
    values = result.sets["set_1"].values

    def near(value: float) -> object:
        return pytest.approx(value, abs=1e-12)

    # Errors of the images: (0.1, 0.3, 0.2, 0.2) / 9. Their mean: 0.8 / 4 / 9.
    assert values["l1"] == near(0.2 / 9)
    # Their standard deviation: sqrt(((0.1)^2 + (0.1)^2 + 0 + 0) / 4) / 9.
    assert values["l1_std_images"] == near(np.sqrt(0.02 / 4) / 9)
    # normalization: truth 0 0 1 1, predicted 0 1 1 1. F1 of class 0: 2*1 / (2 + 1) = 2/3; of
    # class 1: 2*2 / (2 + 3) = 4/5. Weighted (half each): 11/15. The other five heads: 1.
    assert values["arch_f1"] == near((11 / 15 + 5) / 6)
    assert values["arch_accuracy"] == near((3 / 4 + 5) / 6)
    # The other five heads have one class alone; their macro F1 is 1 as well.
    assert values["arch_f1_macro"] == near((11 / 15 + 5) / 6)
    # loss_ce: truth 1 1 0 0; 0.5 counts as yes: predicted 1 1 1 0. F1 of yes: 4/5, of no: 2/3.
    assert values["loss_f1"] == near((11 / 15 + 9) / 10)
    assert values["loss_accuracy"] == near((3 / 4 + 9) / 10)
    # Pooled over 36 numbers: sum y = 2, sum y^2 = 2, sum p = 2, sum p^2 = 0.01 + 0.09 + 1.28 =
    # 1.38, sum yp = 1.6, so R2 = 1 - (1.38 - 3.2 + 2) / (2 - 4/36).
    assert values["r2"] == near(1 - 0.18 / (2 - 4 / 36))
    moments = (1.6 - 4 / 36) / np.sqrt((2 - 4 / 36) * (1.38 - 4 / 36))
    assert values["correlation"] == near(moments)
    # The reference predicts the mean of the training GMs (C alone): 0.5, an error of 0.5 / 9
    # for both GMs; ours: 0.2 / 9 for both: equal differences, t is infinite.
    assert values["p_value"] == near(0)
    assert result.gms["A"].l1 == near(0.2 / 9)
    assert result.gms["A"].predicted["layers"] == near(2)
    assert result.gms["A"].predicted_std["layers"] == near(1)
    assert result.gms["B"].predicted["normalization"] == 1
    assert result.gms["A"].arch_accuracy == near((1 / 2 + 5) / 6)
    assert result.parameters["loss_ce"].confusion == ((1, 1), (0, 2))


def test_perfect_predictions() -> None:
    benchmark = small_benchmark(3)
    guess = random_predictions(benchmark, 0)
    labels = benchmark.labels[guess.gms]
    truth = Values(labels[:, :9], labels[:, 9:15].astype(np.int8), labels[:, 15:])
    summary = evaluate(replace(guess, values=truth), replicates=50).summary
    assert summary["l1"].mean == 0
    for name in ("correlation", "r2", "ransac_slope", "arch_f1_macro", "loss_f1", "arch_accuracy"):
        assert summary[name].mean == pytest.approx(1)


def test_constant_predictions_are_undefined_with_a_reason() -> None:
    benchmark = small_benchmark(3)
    guess = random_predictions(benchmark, 0)
    # The middle of every parameter's range: one normalised value everywhere.
    continuous = np.tile(benchmark.minimum + benchmark.span / 2, (len(guess), 1))
    values = replace(guess.values, continuous=continuous)
    result = evaluate(replace(guess, values=values), replicates=20)
    assert result.summary["correlation"].mean is None
    assert result.summary["correlation"].ci is None
    assert "constant" in result.summary["correlation"].reason
    assert (
        result.sets["set_1"].undefined["correlation"] == "the truth or the prediction is constant"
    )
    assert result.summary["r2"].mean is not None
    assert result.summary["ransac_slope"].mean is None


def test_without_a_line_there_is_no_slope() -> None:
    assert math.isnan(ransac_slope(np.ones(1), np.ones(1), 0))
    assert math.isnan(ransac_slope(np.ones(9), np.arange(9.0), 0))
    assert ransac_slope(np.arange(9.0), np.arange(9.0) / 2, 0) == pytest.approx(0.5)


def test_nobody_ranks_by_the_slope_and_thresholds_stand_at_the_metric() -> None:
    assert [metric.name for metric in METRICS if not metric.better] == ["ransac_slope"]
    useful = {metric.name: metric.useful for metric in METRICS if metric.useful is not None}
    assert useful == {"l1": 0.1, "arch_f1": 0.9, "loss_f1": 0.9}
    assert "ransac_slope" not in {metric.name for metric in COMPARED}


@settings(max_examples=10)
@given(seed=st.integers(0, 10_000), counts=st.lists(st.integers(1, 6), min_size=1, max_size=5))
def test_values_stay_in_their_bounds_and_ignore_the_order_of_images(
    seed: int, counts: list[int]
) -> None:
    benchmark = small_benchmark(counts)
    predictions = random_predictions(benchmark, seed)
    result = evaluate(predictions, replicates=0)
    for name, summary in result.summary.items():
        assert summary.mean is not None, name
    assert 0 <= result.summary["arch_f1_macro"].mean <= 1  # type: ignore[operator]
    assert -1 <= result.summary["correlation"].mean <= 1  # type: ignore[operator]
    # Exchanging two images of one GM changes no metric.
    order = np.arange(len(predictions))
    for gm in np.unique(predictions.gms):
        rows = np.flatnonzero(predictions.gms == gm)
        order[rows] = rows[::-1]
    turned = replace(predictions, values=predictions.take(order).values)
    again = evaluate(turned, replicates=0)
    for name, value in result.summary.items():
        if name != "ransac_slope":  # which draws points by their position
            assert again.summary[name].mean == pytest.approx(value.mean, abs=1e-12)
