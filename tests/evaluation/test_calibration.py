"""Calibration against a reference of plain loops, by hand, and on toy data of known calibration."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gmbench import metrics
from gmbench.benchmark.benchmark import Benchmark
from gmbench.errors import PredictionError
from gmbench.evaluation.calibration import N_BINS, bin_of
from gmbench.evaluation.calibration_result import Calibration, Reliability
from gmbench.evaluation.evaluate import evaluate
from gmbench.evaluation.reliability import calibration
from gmbench.evaluation.result import Evaluation
from gmbench.evaluation.set_table import set_tables
from gmbench.predictions.images import image_index
from gmbench.predictions.predictions import Predictions
from gmbench.predictions.reference import mean_mode, median_mode
from gmbench.schema import DISCRETE, LOSSES, NAMES
from tests.evaluation import plain_calibration
from tests.evaluation.plain_calibration import Said, said_of
from tests.evaluation.populations import (
    random_predictions,
    random_probabilities,
    small_benchmark,
)
from tests.evaluation.test_plain_metrics import agree, case

CLASSES = [parameter.name for parameter in DISCRETE]


def with_probabilities(benchmark: Benchmark, seed: int, names: list[str] = CLASSES) -> Predictions:
    """Random predictions with random probabilities of some parameters."""
    plain = random_predictions(benchmark, seed)
    odds = {name: one for name, one in random_probabilities(plain, seed).items() if name in names}
    return replace(plain, values=replace(plain.values, probabilities=odds))


def at_edges(predictions: Predictions) -> Predictions:
    """Confidences on the edges of bins, and a last digit beside them."""
    generator = np.random.default_rng(5)
    n = len(predictions)
    edges = generator.integers(0, 11, size=(n, 10)) / 10
    beside = np.nextafter(edges, generator.choice([0.0, 1.0], size=(n, 10)))
    losses = np.where(generator.random((n, 10)) < 0.5, edges, beside)
    return replace(predictions, values=replace(predictions.values, losses=losses))


def constant(predictions: Predictions) -> Predictions:
    """The same of every image, and sure of every class."""
    values = predictions.values
    sure = {
        name: np.eye(odds.shape[1])[values.discrete[:, CLASSES.index(name)]]
        for name, odds in values.probabilities.items()
    }
    losses = np.full_like(values.losses, 0.37)
    return replace(predictions, values=replace(values, losses=losses, probabilities=sure))


CASES = {
    "random": with_probabilities(small_benchmark((1, 2, 9, 5)), 1),
    "some parameters": with_probabilities(small_benchmark(4), 2, ["normalization", "upsampling"]),
    "losses alone": random_predictions(small_benchmark(4), 3),
    "edges": at_edges(with_probabilities(small_benchmark(7), 4)),
    "constant": constant(with_probabilities(small_benchmark((3, 4)), 5)),
    "base rates": median_mode(small_benchmark(2)),
    "no doubt": mean_mode(small_benchmark(3)),
    "sets that share GMs": with_probabilities(small_benchmark(3, "red116-dm"), 6),
}


def holds(found: Reliability, expected: plain_calibration.Plain, what: object) -> None:
    agree(found.ece, expected.ece, (what, "ece"))
    agree(found.by_chance, expected.by_chance, (what, "by_chance"))
    assert [round(one.low * N_BINS) for one in found.bins] == list(expected.curve), what
    for one, (n, n_gms, confidence, frequency) in zip(
        found.bins, expected.curve.values(), strict=True
    ):
        assert (one.n, one.n_gms) == (n, n_gms), what
        agree(one.confidence, confidence, what)
        agree(one.frequency, frequency, what)


@pytest.mark.parametrize("which", CASES)
def test_reference_and_evaluator_agree(which: str) -> None:
    predictions = CASES[which]
    found = evaluate(predictions, replicates=0).calibration
    assert found is not None
    reference = mean_mode(predictions.benchmark)
    given_odds = predictions.values.probabilities
    said: list[Said] = []
    skills = []
    for number, name in enumerate(predictions.benchmark.sets):
        one = case(predictions, reference, number)
        odds = {key: of[predictions.sets == number] for key, of in given_odds.items()}
        said += said_of(name, one.gm.tolist(), one.target, one.prediction, odds, list(NAMES))
        if odds:
            skills.append(plain_calibration.log_skill(one.target, odds, one.training, list(NAMES)))
    losses = [loss.name for loss in LOSSES]
    assert list(found.parameters) == [*(name for name in CLASSES if name in given_odds), *losses]
    for name, of_parameter in found.parameters.items():
        alone = [one for one in said if one.parameter == name]
        holds(of_parameter, plain_calibration.calibration(alone), name)
        agree(
            metrics.expected_calibration_error(
                [one.true for one in alone], [one.confidence for one in alone]
            ),
            of_parameter.ece,
            name,
        )
    holds(
        found.losses,
        plain_calibration.calibration([one for one in said if one.parameter in losses]),
        "losses",
    )
    classes = [one for one in said if one.parameter in CLASSES]
    if not classes:
        assert (found.architecture, found.arch_log_skill) == (None, None)
        return
    assert found.architecture is not None
    holds(found.architecture, plain_calibration.calibration(classes), "architecture")
    assert found.arch_log_skill is not None
    assert found.arch_log_skill.mean is not None
    agree(found.arch_log_skill.mean, float(np.mean(skills)), "arch_log_skill")


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1), st.booleans()), min_size=1, max_size=40)
)
def test_the_function_of_arrays_is_the_reference(rows: list[tuple[int, float, bool]]) -> None:
    found = metrics.expected_calibration_error(
        [int(true) for _, _, true in rows], [confidence for _, confidence, _ in rows]
    )
    expected = plain_calibration.calibration([Said(gm, "x", c, true) for gm, c, true in rows])
    agree(found, expected.ece, rows)
    assert 0 <= found <= 1


def test_of_classes_the_largest_probability_is_the_confidence() -> None:
    generator = np.random.default_rng(0)
    odds, truth = generator.dirichlet(np.ones(4), 200), generator.integers(0, 4, 200)
    found = metrics.expected_calibration_error(truth, odds)
    said = [Said(0, "x", max(p), int(np.argmax(p)) == t) for p, t in zip(odds, truth, strict=True)]
    agree(found, plain_calibration.calibration(said).ece, "classes")


def test_bins_by_hand() -> None:
    edges = np.arange(11) / 10
    assert bin_of(edges).tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9]
    assert bin_of(np.nextafter(edges, 0)[1:]).tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 9]
    assert bin_of(edges[1:] - 1e-6).tolist() == list(range(10))


@pytest.mark.parametrize(
    ("truth", "odds", "message"),
    [
        ([1, 0], [0.5], r"shape \(2,\), the probabilities \(1,\)"),
        ([], [], r"shape \(0,\)"),
        ([1], [1.2], "numbers from 0 to 1"),
        ([1], [math.nan], "numbers from 0 to 1"),
        ([2], [0.5], "indices below 2"),
        ([3], [[0.2, 0.3, 0.5]], "indices below 3"),
        ([1], [[0.2, 0.3, 0.4]], "must sum to 1"),
        (["yes"], [0.5], "arrays of numbers"),
    ],
)
def test_what_is_not_sound(truth: list[object], odds: list[object], message: str) -> None:
    with pytest.raises(PredictionError, match=message):
        metrics.expected_calibration_error(truth, odds)  # type: ignore[arg-type]


def world(chances: np.ndarray, scores: np.ndarray, seed: int, n_images: int = 4) -> Predictions:
    """Predictions of GMs that use each loss with a chance of their own.

    Args:
        chances: Chance of each loss of each GM, shape (GMs, 10).
        scores: What is said of it, likewise.
        seed: Which losses they use.
        n_images: Images a GM.
    """
    benchmark = small_benchmark(n_images)
    used = np.random.default_rng(seed).random(chances.shape) < chances
    gms = tuple(
        replace(gm, values=(*gm.values[:15], *row))
        for gm, row in zip(benchmark.gms, used.astype(float).tolist(), strict=True)
    )
    plain = median_mode(replace(benchmark, gms=gms))
    return replace(plain, values=replace(plain.values, losses=scores[plain.gms]))


def losses_of(predictions: Predictions, replicates: int = 400) -> Calibration:
    return calibration(predictions, set_tables(predictions), replicates=replicates, seed=0)


def test_calibrated_scores_have_an_error_near_0_within_its_interval() -> None:
    n_gms = len(small_benchmark(1).gms)
    chances = np.random.default_rng(0).beta(0.6, 1.8, (n_gms, 10))
    errors, chance, held = [], [], []
    for seed in range(20):
        found = losses_of(world(chances, chances, seed)).losses
        errors.append(found.ece)
        chance.append(found.by_chance)
        assert found.ci is not None
        assert found.ci[0] <= found.ece <= found.ci[1]
        held.append(found.ci[0] == 0.0)
    assert np.mean(errors) < 0.05
    # Few GMs make an error of chance, and how large it is, is known.
    assert np.mean(errors) == pytest.approx(np.mean(chance), rel=0.15)
    assert sum(held) >= 18


def test_overconfident_scores_have_the_known_error() -> None:
    """Who says 95% and is right in 70% is off by 25%."""
    benchmark = small_benchmark(5)
    index = image_index(benchmark)
    truth = benchmark.labels[index.gms, 15:]
    # In each set of 12 GMs of 5 images, 42 of 60 images are right about every loss.
    right = np.concatenate([np.arange(60) % 10 < 7] * 4)[:, None]
    plain = median_mode(benchmark)
    scores = np.where(right == (truth == 1), 0.95, 0.05)
    found = losses_of(replace(plain, values=replace(plain.values, losses=scores)))
    # Of yes and of no the parts right are not those of both together: their mean is.
    assert found.losses.ece == pytest.approx(0.25, abs=0.02)
    assert [one.n for one in found.losses.bins] == [
        int((scores < 0.5).sum()),
        int((scores > 0.5).sum()),
    ]
    assert found.losses.ci is not None
    assert found.losses.ci[0] > 0.15


def test_overconfident_classes_have_the_known_error() -> None:
    benchmark = small_benchmark(4)
    index = image_index(benchmark)
    right = benchmark.labels[index.gms, 9:15].astype(np.int64)
    n_classes = np.array([len(one) for one in benchmark.classes.values()])
    # Of the 4 images of every GM one is right.
    chosen = np.where((np.arange(len(right)) % 4 == 0)[:, None], right, (right + 1) % n_classes)
    odds = {}
    for column, (name, n) in enumerate(zip(CLASSES, n_classes, strict=True)):
        odds[name] = np.full((len(right), n), 0.15 / (n - 1))
        odds[name][np.arange(len(right)), chosen[:, column]] = 0.85
    values = np.column_stack([benchmark.labels[index.gms, :9], chosen, np.zeros((len(right), 10))])
    made = Predictions.of(benchmark, "sure", values, normalised=False, probabilities=odds)
    found = losses_of(made)
    assert found.architecture is not None
    (only,) = found.architecture.bins
    assert (only.low, only.high, only.n, only.n_gms) == (0.8, 0.9, 6 * len(right), 48)
    assert found.architecture.ece == pytest.approx(0.85 - 0.25, abs=1e-12)
    assert only.ci == pytest.approx((0.25, 0.25))
    assert found.architecture.ci is not None
    # Every GM is as wrong: the interval has a lower end by chance alone.
    assert found.architecture.ci[1] == pytest.approx(0.6)
    expected = math.sqrt(0.6**2 - found.architecture.by_chance**2)
    assert found.architecture.ci[0] == pytest.approx(expected)


def test_json_and_tables() -> None:
    result = evaluate(CASES["some parameters"], replicates=50)
    again = Evaluation.from_dict(json.loads(json.dumps(result.to_dict(), allow_nan=False)))
    assert again == result
    assert result.calibration is not None
    assert result.calibration.probabilities_sha256 == CASES["some parameters"].probabilities_sha256
    frame = result.to_pandas("calibration")
    assert list(frame.index[:4]) == ["architecture", "losses", "normalization", "upsampling"]
    assert list(frame.columns) == ["ece", "lo", "hi", "by_chance"]
    assert frame.loc["losses", "ece"] == result.calibration.losses.ece


def test_probabilities_change_nothing_else() -> None:
    predictions = CASES["random"]
    plain = replace(predictions, values=replace(predictions.values, probabilities={}))
    with_odds, without = (evaluate(one, replicates=20).to_dict() for one in (predictions, plain))
    assert with_odds["calibration"]["losses"] == without["calibration"]["losses"]
    assert without["calibration"]["architecture"] is None
    del with_odds["calibration"], without["calibration"]
    assert with_odds == without


def test_a_single_gm_has_no_interval() -> None:
    predictions = CASES["random"]
    one = predictions.take(np.flatnonzero(predictions.gms == predictions.gms[0]))
    found = evaluate(one, partial=True, replicates=20).calibration
    assert found is not None
    assert found.losses.ci is None
    assert [point.ci for point in found.losses.bins] == [None] * len(found.losses.bins)
    assert found.arch_log_skill is not None
    assert found.arch_log_skill.ci is None


@pytest.mark.slow
@pytest.mark.parametrize("sharpness", [0.5, 1.0, 1.5, 2.5])
def test_intervals_cover_the_error(sharpness: float) -> None:
    """Scores whose logits are those of the chances, stretched; images of two minds."""
    generator = np.random.default_rng(1)
    n_gms = len(small_benchmark(1).gms)

    def scores_of(chances: np.ndarray) -> np.ndarray:
        odds = (chances / (1 - chances)) ** sharpness
        return np.asarray(odds / (1 + odds))

    many = np.clip(generator.beta(0.6, 1.8, 400_000), 1e-6, 1 - 1e-6)
    true = generator.random(len(many)) < many
    expected = metrics.expected_calibration_error(true, scores_of(many))
    covered: list[bool] = []
    alone: list[bool] = []
    for seed in range(60):
        chances = np.clip(generator.beta(0.6, 1.8, (n_gms, 10)), 1e-6, 1 - 1e-6)
        found = losses_of(world(chances, scores_of(chances), seed))
        for ends, into in ((found.losses.ci, covered), (found.parameters["loss_kl"].ci, alone)):
            assert ends is not None
            into.append(ends[0] <= expected + 1e-3 and expected - 1e-3 <= ends[1])
    assert np.mean(covered) > 0.9
    assert np.mean(alone) > 0.9
