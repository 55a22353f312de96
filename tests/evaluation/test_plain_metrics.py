"""The evaluator and the functions of arrays against the plain reference."""

from __future__ import annotations

import doctest
import math
from dataclasses import replace

import numpy as np
import pytest

from gmbench import metrics
from gmbench.errors import PredictionError
from gmbench.evaluation.evaluate import evaluate
from gmbench.predictions.columns import Values
from gmbench.predictions.predictions import Predictions
from gmbench.predictions.reference import mean_mode
from tests.evaluation import plain_reference
from tests.evaluation.plain_reference import Case
from tests.evaluation.populations import random_predictions, small_benchmark

_OF_SETS = [name for name in metrics.__all__ if name != "expected_calibration_error"]
"""Those that are metrics of a set."""

_TRAINED = ("skill", "l1_skill", "loss_skill")
"""Metrics that also take the training GMs' targets."""


def case(predictions: Predictions, reference: Predictions, number: int) -> Case:
    """What the plain reference and the functions take of the images of a set."""
    rows, benchmark = np.flatnonzero(predictions.sets == number), predictions.benchmark
    gms = predictions.gms[rows]
    set_name = list(benchmark.sets)[number]
    training = [benchmark.index[gm] for gm in benchmark.training_gms(set_name)]
    found = [
        benchmark.known_labels[gms],
        *(p.values.to_array()[rows] for p in (predictions, reference)),
        benchmark.known_labels[training],
    ]
    for one in found:
        one[:, :9] = benchmark.normalise(one[:, :9])
    # By number, in the order of the set, which RANSAC's draws depend on.
    gm = np.array([list(dict.fromkeys(gms)).index(row) for row in gms])
    return Case(found[0], found[1], gm, found[2], found[3])


def plain_functions(given: Case, seed: int) -> dict[str, float]:
    """Every function of `gmbench.metrics` that is a metric of a set."""
    made = {}
    for name in _OF_SETS:
        plain = getattr(metrics, name)
        arrays = (given.target, given.prediction, given.gm)
        if name.startswith("p_value"):
            made[name] = plain(*arrays, given.reference)
        elif name in _TRAINED:
            made[name] = plain(*arrays, given.training)
        elif name == "ransac_slope":
            made[name] = plain(*arrays, seed=seed)
        else:
            made[name] = plain(*arrays)
    return made


def adversarial(which: str) -> Predictions:
    """Predictions at which a sum, a tie or a class goes wrong sooner than elsewhere."""
    made = random_predictions(small_benchmark((1, 2, 9, 5)), 7)
    generator = np.random.default_rng(7)
    values, n = made.values, len(made)
    continuous, discrete, losses = values.continuous, values.discrete, values.losses
    middle = made.benchmark.minimum + made.benchmark.span / 3
    if which == "constant":
        continuous, losses = np.tile(middle, (n, 1)), np.full((n, 10), 0.37)
        discrete = np.zeros_like(discrete)
    elif which == "some counts constant":
        continuous = continuous.copy()
        continuous[:, ::2] = middle[::2]
    elif which == "far out of range":
        far = generator.choice([-1e4, 1e4, 0.0], size=9) * made.benchmark.span
        continuous = continuous + far
    elif which == "all far out of range":
        continuous = continuous + 1e5 * made.benchmark.span
    elif which == "at the threshold":
        losses = generator.choice([0.0, 0.4, 0.5, 0.6, 1.0], size=(n, 10))
    elif which == "ties between GMs":
        continuous = np.where(made.gms[:, None] % 3 == 0, middle, continuous)
        losses = np.tile(np.where(made.gms[:, None] % 2 == 0, 0.1 + 0.2, 0.3), 10)
    elif which == "never the true class":
        truth = made.benchmark.labels[made.gms, 9:15].astype(discrete.dtype)
        discrete = np.where(truth == 0, 1, 0).astype(discrete.dtype)
    return replace(made, values=Values(continuous, discrete, losses))


CASES = [
    "constant", "some counts constant", "far out of range", "all far out of range",
    "at the threshold", "ties between GMs", "never the true class",
]  # fmt: skip


def agree(found: float | None, expected: float, what: object) -> None:
    if math.isnan(expected):
        assert found is None or math.isnan(found), what
    else:
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9), what


@pytest.mark.parametrize(("seed", "n_images"), [(0, 7), (1, (1, 2, 9))])
def test_reference_evaluator_and_functions_agree(
    seed: int, n_images: int | tuple[int, ...]
) -> None:
    predictions = random_predictions(small_benchmark(n_images), seed)
    reference = mean_mode(predictions.benchmark)
    result = evaluate(predictions, replicates=0, seed=seed)
    for number, (name, found) in enumerate(result.sets.items()):
        given = case(predictions, reference, number)
        expected = plain_reference.metrics(given, seed)
        assert expected.keys() == found.values.keys() == set(_OF_SETS)
        functions = plain_functions(given, seed)
        for metric, value in expected.items():
            agree(found.values[metric], value, (name, metric))
            agree(functions[metric], value, (name, metric))


@pytest.mark.parametrize("which", CASES)
def test_adversarial_cases_agree(which: str) -> None:
    predictions = adversarial(which)
    reference = mean_mode(predictions.benchmark)
    result = evaluate(predictions, replicates=0)
    expected = [plain_reference.metrics(case(predictions, reference, n), 0) for n in range(4)]
    # RANSAC's draws may see another last digit: it is held against scikit-learn above.
    searched = ("ransac_slope",)
    for of_set, found in zip(expected, result.sets.values(), strict=True):
        for metric in set(of_set) - {*searched}:
            agree(found.values[metric], of_set[metric], (which, metric))
    for metric in set(expected[0]) - {*searched, "p_value"}:
        mean = float(np.mean([of_set[metric] for of_set in expected]))
        agree(result.summary[metric].mean, mean, (which, metric))


@pytest.mark.parametrize("which", ["random", *CASES])
def test_the_gm_level_is_the_reference_of_the_gms_answers(which: str) -> None:
    predictions = adversarial(which)
    reference = mean_mode(predictions.benchmark)
    found = evaluate(predictions, replicates=0).gm_level
    assert found is not None
    assert set(found) == set(_OF_SETS) - {"p_value_images"}
    expected = [
        plain_reference.metrics(case(predictions, reference, number).at_gm_level(), 0)
        for number in range(4)
    ]
    for metric in set(found) - {"ransac_slope", "p_value"}:
        mean = float(np.mean([of_set[metric] for of_set in expected]))
        agree(found[metric].mean, mean, (which, metric))


@pytest.mark.parametrize("gms", [1, 2])
def test_sets_of_one_and_two_gms_agree(gms: int) -> None:
    benchmark = small_benchmark(3)
    names = list(benchmark.index)
    small = replace(benchmark, sets={"one": tuple(names[:gms]), "two": tuple(names[60 : 60 + gms])})
    predictions = random_predictions(small, 3)
    reference = mean_mode(small)
    result = evaluate(predictions, replicates=20)
    for number, found in enumerate(result.sets.values()):
        expected = plain_reference.metrics(case(predictions, reference, number), 0)
        for metric in set(expected) - {"ransac_slope"}:
            agree(found.values[metric], expected[metric], metric)


MADE = random_predictions(small_benchmark((3, 5)), 0)
GIVEN = case(MADE, mean_mode(MADE.benchmark), 1)
TARGET, PREDICTION, GM, REFERENCE = GIVEN.target, GIVEN.prediction, GIVEN.gm, GIVEN.reference


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


def test_names_of_gms_change_nothing() -> None:
    backwards = np.array([f"GM_{99 - number}" for number in GM])
    by_name, by_number = (
        [metrics.ransac_slope(TARGET, PREDICTION, gm, seed=seed) for seed in range(5)]
        for gm in (backwards, GM)
    )
    assert by_name == by_number


def test_undefined_is_nan() -> None:
    assert math.isnan(metrics.correlation(TARGET, np.full_like(TARGET, 0.5), GM))
    assert math.isnan(metrics.r2(TARGET[:1], PREDICTION[:1] * 0 + 0.1, GM[:1])) == (
        np.ptp(TARGET[0, :9]) == 0
    )
    assert math.isnan(metrics.p_value(TARGET, PREDICTION, GM, PREDICTION))
    assert math.isnan(metrics.ransac_slope(TARGET, np.full_like(TARGET, 0.5), GM))


def test_a_count_that_no_training_gm_knows() -> None:
    target, prediction = np.repeat([[0.0], [1.0]], 9, axis=1), np.repeat([[0.1], [0.7]], 9, axis=1)
    training = np.repeat([[0.2], [0.6]], 9, axis=1)
    training[:, 5] = np.nan
    assert math.isnan(metrics.l1_skill(target, prediction, ["A", "B"], training))
    target[:, 5] = np.nan
    assert metrics.l1_skill(target, prediction, ["A", "B"], training) == pytest.approx(0.6)


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


@pytest.mark.parametrize(
    ("training", "message"),
    [
        (np.zeros((4, 9)), r"training targets have the shape \(4, 9\); expected is \(GMs, 25\)"),
        (np.zeros((0, 25)), "a row a GM"),
        (np.full((2, 25), np.nan), "training targets must be finite"),
        ([["many"] * 25], "arrays of numbers"),
    ],
)
def test_training_targets_that_are_not_sound(training: object, message: str) -> None:
    with pytest.raises(PredictionError, match=message):
        metrics.skill(TARGET, PREDICTION, GM, training)  # type: ignore[arg-type]


def test_the_examples_run() -> None:
    tested = doctest.testmod(metrics)
    assert tested.failed == 0
    assert tested.attempted >= len(metrics.__all__)
