"""Metrics of arrays: scipy's and scikit-learn's, and those of the evaluator."""

from __future__ import annotations

import doctest
import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import RANSACRegressor
from sklearn.metrics import accuracy_score, f1_score, mean_absolute_error, r2_score

from gmbench import metrics
from gmbench.errors import PredictionError
from gmbench.evaluation.evaluate import evaluate
from gmbench.evaluation.metrics import BY_NAME
from gmbench.predictions.reference import mean_mode
from tests.evaluation.populations import random_predictions, small_benchmark

BENCHMARK = small_benchmark((3, 5))
MADE, OTHER = random_predictions(BENCHMARK, 0), mean_mode(BENCHMARK)
IN_SET = np.random.default_rng(0).permutation(np.flatnonzero(MADE.sets == 1))
TARGET = BENCHMARK.labels[MADE.gms[IN_SET]]
PREDICTION, REFERENCE = (one.values.to_array()[IN_SET] for one in (MADE, OTHER))
for array in (TARGET, PREDICTION, REFERENCE):
    array[:, :9] = BENCHMARK.normalise(array[:, :9])
GM = np.array([BENCHMARK.gms[row].name for row in MADE.gms[IN_SET]])


def arguments(name: str) -> tuple[np.ndarray, ...]:
    reference = (REFERENCE,) if name.startswith("p_value") else ()
    return (TARGET, PREDICTION, GM, *reference)


def test_every_metric_is_there() -> None:
    assert metrics.__all__ == list(BY_NAME)
    assert all(callable(getattr(metrics, name)) for name in BY_NAME)


def test_equal_to_the_evaluator() -> None:
    values = evaluate(MADE, replicates=0).sets["set_2"].values
    for name in BY_NAME:
        found = getattr(metrics, name)(*arguments(name))
        if name == "ransac_slope":  # which draws points by their position
            continue
        assert found == pytest.approx(values[name], rel=1e-9), name


def _by_gm(errors: np.ndarray) -> list[float]:
    return [errors[gm == GM].mean() for gm in np.unique(GM)]


def _heads(score: Callable[..., float], start: int, stop: int, **options: object) -> float:
    truth, chosen = TARGET.copy(), PREDICTION.copy()
    chosen[:, 15:] = chosen[:, 15:] >= 0.5
    pairs = zip(truth.T[start:stop], chosen.T[start:stop], strict=True)
    return float(np.mean([score(y.astype(int), p.astype(int), **options) for y, p in pairs]))


def test_equal_to_other_libraries() -> None:
    y, p, other = TARGET[:, :9], PREDICTION[:, :9], REFERENCE[:, :9]
    errors, others = np.abs(p - y).mean(axis=1), np.abs(other - y).mean(axis=1)
    # RANSAC draws points by their position: here those of the GMs one after another.
    order = np.argsort(GM, kind="stable")
    line = RANSACRegressor(random_state=3).fit(p[order].reshape(-1, 1), y[order].ravel())
    assert metrics.ransac_slope(TARGET, PREDICTION, GM, seed=3) == pytest.approx(
        line.estimator_.coef_[0], rel=1e-9
    )
    expected = {
        "l1": mean_absolute_error(y, p),
        "l1_std_images": errors.std(),
        "correlation": stats.pearsonr(p.ravel(), y.ravel())[0],
        "r2": r2_score(y.ravel(), p.ravel()),
        "p_value": stats.ttest_rel(_by_gm(errors), _by_gm(others)).pvalue,
        "p_value_images": stats.ttest_rel(errors, others).pvalue,
        "arch_accuracy": _heads(accuracy_score, 9, 15),
        "loss_accuracy": _heads(accuracy_score, 15, 25),
    }
    for group, start, stop in (("arch", 9, 15), ("loss", 15, 25)):
        for suffix, average in (("", "weighted"), ("_macro", "macro"), ("_micro", "micro")):
            expected[f"{group}_f1{suffix}"] = _heads(
                f1_score, start, stop, average=average, zero_division=0
            )
    assert expected.keys() | {"ransac_slope"} == BY_NAME.keys()
    for name, value in expected.items():
        found = getattr(metrics, name)(*arguments(name))
        assert found == pytest.approx(value, rel=1e-9), name


def test_counts_alone_and_gms_by_number() -> None:
    numbers = np.unique(GM, return_inverse=True)[1]
    for name, metric in BY_NAME.items():
        if metric.group != "continuous" or name == "ransac_slope":
            continue
        whole = arguments(name)
        counts = (whole[0][:, :9], whole[1][:, :9], numbers, *(one[:, :9] for one in whole[3:]))
        assert getattr(metrics, name)(*counts) == getattr(metrics, name)(*whole)


def test_undefined_is_nan() -> None:
    assert math.isnan(metrics.correlation(TARGET, np.full_like(TARGET, 0.5), GM))
    assert math.isnan(metrics.r2(TARGET[:1], PREDICTION[:1] * 0 + 0.1, GM[:1])) == (
        np.ptp(TARGET[0, :9]) == 0
    )
    assert math.isnan(metrics.p_value(TARGET, PREDICTION, GM, PREDICTION))
    assert math.isnan(metrics.ransac_slope(TARGET, np.full_like(TARGET, 0.5), GM))


def _with(column: int, value: float) -> np.ndarray:
    changed: np.ndarray = PREDICTION.copy()
    changed[0, column] = value
    return changed


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((TARGET[:, :9], PREDICTION[:, :9], GM), r"shape \(46, 9\); expected is \(images, 25\)"),
        ((TARGET, PREDICTION[:, :20], GM), r"predictions have the shape \(46, 20\)"),
        ((TARGET, PREDICTION, GM[:5]), r"gm has the shape \(5,\); 46 images"),
        ((TARGET, PREDICTION, np.roll(GM, 1)), "have different targets"),
        ((TARGET, _with(2, np.nan), GM), "finite"),
        ((TARGET, _with(9, 0.5), GM), "indices"),
        ((TARGET, _with(20, 1.5), GM), "scores between"),
    ],
)
def test_what_is_not_sound(given: tuple[np.ndarray, ...], message: str) -> None:
    with pytest.raises(PredictionError, match=message):
        metrics.arch_f1(*given)


def test_the_examples_run() -> None:
    tested = doctest.testmod(metrics)
    assert tested.failed == 0
    assert tested.attempted >= len(BY_NAME)
