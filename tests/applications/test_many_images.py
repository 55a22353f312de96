from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from gmbench.applications.many_images import each_with_others, many_images
from gmbench.applications.studies import METRICS
from gmbench.benchmark.benchmark import Benchmark
from gmbench.errors import BenchmarkError
from gmbench.evaluation.comparison import compare
from gmbench.evaluation.evaluate import evaluate
from gmbench.predictions.columns import Values
from gmbench.predictions.predictions import Predictions
from tests.evaluation.populations import random_predictions, small_benchmark


@pytest.fixture(scope="module")
def benchmark() -> Benchmark:
    return small_benchmark(6)


@pytest.fixture(scope="module")
def predictions(benchmark: Benchmark) -> Predictions:
    return random_predictions(benchmark, seed=0)


def by_hand(predictions: Predictions) -> Predictions:
    """All images of each GM together, one GM after another."""
    continuous, discrete, losses, firsts = [], [], [], []
    keys = list(zip(predictions.sets.tolist(), predictions.gms.tolist(), strict=True))
    for key in dict.fromkeys(keys):
        rows = [row for row, other in enumerate(keys) if other == key]
        firsts.append(rows[0])
        continuous.append(predictions.values.continuous[rows].mean(axis=0))
        one = []
        for column in predictions.values.discrete[rows].T.tolist():
            votes = {c: column.count(c) for c in sorted(set(column))}
            one.append(max(votes, key=lambda c: votes[c]))
        discrete.append(one)
        scores = predictions.values.losses[rows]
        one_loss = []
        for column in scores.T:
            yes = sum(score >= 0.5 for score in column)
            half = 2 * yes == len(column)
            one_loss.append(column.mean() if half else float(yes > len(column) / 2))
        losses.append(one_loss)
    values = Values(
        np.array(continuous), np.array(discrete, dtype=np.int8), np.array(losses, dtype=float)
    )
    return replace(predictions.take(np.array(firsts)), values=values)


def test_all_images_together_by_a_slow_way(predictions: Predictions) -> None:
    found = many_images(predictions, [6], draws=3)
    expected = evaluate(by_hand(predictions), partial=True, replicates=0).summary
    for metric, (mean, std) in found.scores[6].items():
        assert mean == pytest.approx(expected[metric].mean)
        assert std == 0


def test_more_images_say_more(predictions: Predictions) -> None:
    found = many_images(predictions, [1, 3, 6, 10, 500], draws=2)
    assert list(found.scores) == [1, 3, 6]
    assert found.left_out == (10, 500)
    single = evaluate(predictions, replicates=0).summary
    for metric in METRICS:
        mean, std = found.scores[1][metric]
        assert mean == pytest.approx(single[metric].mean, abs=0.05)
        assert std > 0
    assert found.scores[6]["l1"][0] < found.scores[3]["l1"][0] < found.scores[1]["l1"][0]
    assert found.scores[6]["loss_accuracy"][0] > found.scores[1]["loss_accuracy"][0]
    assert found == many_images(predictions, [1, 3, 6, 10, 500], draws=2)
    assert json.dumps(found.to_dict(), allow_nan=False)


def test_more_images_than_there_are(predictions: Predictions) -> None:
    with pytest.raises(BenchmarkError, match="Give --images from 1 to 6"):
        many_images(predictions, [7])


def test_each_image_with_others_of_its_gm(predictions: Predictions) -> None:
    alone = each_with_others(predictions, 1).values
    assert np.array_equal(alone.continuous, predictions.values.continuous)
    assert np.array_equal(alone.discrete, predictions.values.discrete)
    # All images of a GM say the same together, whichever of them it stands for.
    all_six = each_with_others(predictions, 6)
    plain = by_hand(predictions)
    where = {key: n for n, key in enumerate(zip(plain.sets, plain.gms, strict=True))}
    rows = [where[key] for key in zip(predictions.sets, predictions.gms, strict=True)]
    np.testing.assert_allclose(all_six.values.continuous, plain.values.continuous[rows])
    assert np.array_equal(all_six.values.discrete, plain.values.discrete[rows])
    assert np.array_equal(all_six.values.losses >= 0.5, plain.values.losses[rows] >= 0.5)


def test_an_image_with_one_other_lies_between_them(predictions: Predictions) -> None:
    two = each_with_others(predictions, 2, seed=1)
    assert two.image_ids == predictions.image_ids
    counts = predictions.values.continuous
    for row in range(0, len(counts), 7):
        own = np.flatnonzero(
            (predictions.sets == predictions.sets[row]) & (predictions.gms == predictions.gms[row])
        )
        others = own[own != row]
        halfway = (counts[row] + counts[others]) / 2
        assert np.isclose(halfway, two.values.continuous[row]).all(axis=1).sum() == 1


def test_what_more_images_bring_is_tested_on_the_same_gms(predictions: Predictions) -> None:
    each = each_with_others(predictions, 6)
    found = compare(each, predictions, names=("six", "one"), replicates=200, permutations=999)
    l1 = next(one for one in found.differences if one.metric == "l1")
    gained = evaluate(by_hand(predictions), partial=True, replicates=0).summary["l1"].mean
    single = evaluate(predictions, replicates=0).summary["l1"].mean
    assert l1.difference == pytest.approx((gained or 0) - (single or 0))
    assert l1.p_value is not None
    assert l1.p_value < 0.05


def test_too_few_to_speak_together(predictions: Predictions) -> None:
    with pytest.raises(BenchmarkError, match="A GM has 6 predicted images: 7 are too many"):
        each_with_others(predictions, 7)
