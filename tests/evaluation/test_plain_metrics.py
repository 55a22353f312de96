"""Metrics of arrays: scipy's and scikit-learn's, and those of the evaluator."""

from __future__ import annotations

import doctest
import math

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import RANSACRegressor
from sklearn.metrics import accuracy_score, f1_score, mean_absolute_error, r2_score

from gmbench import metrics
from gmbench.errors import PredictionError
from gmbench.evaluation.evaluate import evaluate
from gmbench.predictions.predictions import Predictions
from gmbench.predictions.reference import mean_mode
from tests.evaluation.populations import random_predictions, small_benchmark

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def arrays(predictions: Predictions, reference: Predictions, number: int) -> Arrays:
    """Truth, prediction, GM and what the reference predicts, of the images of a set."""
    rows, benchmark = np.flatnonzero(predictions.sets == number), predictions.benchmark
    gms = predictions.gms[rows]
    found = [benchmark.labels[gms], *(p.values.to_array()[rows] for p in (predictions, reference))]
    for one in found:
        one[:, :9] = benchmark.normalise(one[:, :9])
    # By number, in the order of the set, which RANSAC's draws depend on.
    gm = np.array([list(dict.fromkeys(gms)).index(row) for row in gms])
    return found[0], found[1], gm, found[2]


def libraries(given: Arrays, seed: int) -> dict[str, float]:
    """Every metric by scipy and scikit-learn."""
    target, prediction, gm, reference = given
    y, p = target[:, :9], prediction[:, :9]
    errors, others = (np.abs(one[:, :9] - y).mean(axis=1) for one in (prediction, reference))
    by_gm = [[e[gm == one].mean() for one in np.unique(gm)] for e in (errors, others)]
    line = RANSACRegressor(random_state=seed).fit(p.reshape(-1, 1), y.ravel())
    expected = {
        "l1": mean_absolute_error(y, p),
        "l1_std_images": errors.std(),
        "correlation": stats.pearsonr(p.ravel(), y.ravel())[0],
        "r2": r2_score(y.ravel(), p.ravel()),
        "ransac_slope": line.estimator_.coef_[0],
        "p_value": stats.ttest_rel(*by_gm).pvalue,
        "p_value_images": stats.ttest_rel(errors, others).pvalue,
    }
    labels = target[:, 9:].astype(int)
    chosen = np.column_stack([prediction[:, 9:15], prediction[:, 15:] >= 0.5]).astype(int)
    for group, heads in (("arch", range(6)), ("loss", range(6, 16))):
        pairs = [(labels[:, head], chosen[:, head]) for head in heads]
        for suffix, average in (("", "weighted"), ("_macro", "macro"), ("_micro", "micro")):
            scores = [f1_score(*pair, average=average, zero_division=0) for pair in pairs]
            expected[f"{group}_f1{suffix}"] = float(np.mean(scores))
        expected[f"{group}_accuracy"] = float(np.mean([accuracy_score(*pair) for pair in pairs]))
    return expected


@pytest.mark.parametrize(("seed", "n_images"), [(0, 7), (1, (1, 2, 9))])
def test_libraries_evaluator_and_functions_agree(
    seed: int, n_images: int | tuple[int, ...]
) -> None:
    predictions = random_predictions(small_benchmark(n_images), seed)
    reference = mean_mode(predictions.benchmark)
    result = evaluate(predictions, replicates=0, seed=seed)
    for number, (name, found) in enumerate(result.sets.items()):
        given = arrays(predictions, reference, number)
        expected = libraries(given, seed)
        assert expected.keys() == found.values.keys() == set(metrics.__all__)
        for metric, value in expected.items():
            assert found.values[metric] == pytest.approx(value, rel=1e-9, abs=1e-9), (name, metric)
            plain = getattr(metrics, metric)
            made = plain(*given) if metric.startswith("p_value") else plain(*given[:3])
            if metric == "ransac_slope":
                made = plain(*given[:3], seed=seed)
            assert made == pytest.approx(value, rel=1e-9, abs=1e-9), (name, metric)


MADE = random_predictions(small_benchmark((3, 5)), 0)
TARGET, PREDICTION, GM, REFERENCE = arrays(MADE, mean_mode(MADE.benchmark), 1)


def test_counts_alone_images_in_any_order_and_gms_by_name() -> None:
    order = np.random.default_rng(0).permutation(len(GM))
    given = [one[order, :9] for one in (TARGET, PREDICTION, REFERENCE)]
    names = np.array([f"GM_{number}" for number in GM])[order]
    whole = (TARGET, PREDICTION, GM)
    for name in ("l1", "l1_std_images", "correlation", "r2"):
        plain = getattr(metrics, name)
        assert plain(given[0], given[1], names) == pytest.approx(plain(*whole), rel=1e-12)
    p_value = metrics.p_value(given[0], given[1], names, given[2])
    assert p_value == pytest.approx(metrics.p_value(*whole, REFERENCE), rel=1e-9)


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
    assert tested.attempted >= len(metrics.__all__)
