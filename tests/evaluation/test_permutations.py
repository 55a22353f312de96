"""Exchanges of what two methods contribute at whole GMs."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy import stats

from gmbench.benchmark.benchmark import load_benchmark
from gmbench.evaluation.comparison import COMPARED, Half
from gmbench.evaluation.intervals import Resampled, resample
from gmbench.evaluation.permutations import (
    by_gm,
    contributions,
    exchange_tests,
    permutation_tests,
)
from gmbench.evaluation.set_table import set_tables
from gmbench.predictions.predictions import Predictions
from tests.evaluation.populations import random_predictions, small_benchmark


def parts(predictions: Predictions) -> dict[str, list[Resampled]]:
    tables = set_tables(predictions)
    return {
        metric.name: [resample(metric.value, table, None) for table in tables]
        for metric in COMPARED
        if metric.value is not None
    }


def difference(first: Predictions, second: Predictions) -> dict[str, list[Resampled]]:
    a, b = parts(first), parts(second)
    return {name: [x - y for x, y in zip(a[name], b[name], strict=True)] for name in a}


def of_means(*sets: np.ndarray) -> dict[str, list[Resampled]]:
    """A mean over the values of each set."""
    made = []
    for values in sets:
        left_out = (values.sum() - values) / (len(values) - 1)
        strata = np.zeros(len(values), np.int64)
        made.append(Resampled(np.asarray(values.mean()), np.empty(0), left_out, strata))
    return {"mean": made}


def test_the_contributions_to_a_mean_are_its_values() -> None:
    values = np.random.default_rng(0).normal(size=7)
    np.testing.assert_allclose(contributions(of_means(values)["mean"][0]), values)


def test_a_gm_of_several_sets_is_exchanged_once() -> None:
    values = np.random.default_rng(0).normal(0.6, 1, size=7)
    alone = of_means(values)["mean"]
    twice = [replace(alone[0], gms=tuple("abcdefg"))] * 2
    found = [permutation_tests({"mean": one}, 2000, 0)["mean"] for one in (alone, twice)]
    assert found[0] == found[1]
    assert permutation_tests({"mean": alone * 2}, 2000, 0)["mean"] < found[0] / 2
    # The number stays the mean over the sets, whatever GMs they have.
    sets, gms = [values[:3, None], values[3:, None]], ["abc", "cdea"]
    (joined,) = by_gm(sets, gms)
    assert joined.shape == (5, 1)
    assert joined.mean() == pytest.approx((values[:3].mean() + values[3:].mean()) / 2)
    assert by_gm(sets, ["abc", "defg"]) is sets


def test_equal_methods_on_sets_that_share_gms_are_rarely_told_apart() -> None:
    sets = load_benchmark("red116-dm").sets.values()
    rejected = {True: 0, False: 0}
    for world in range(300):
        generator = np.random.default_rng(world)
        of_gm = {gm: generator.normal() for gms in sets for gm in sorted(gms)}
        made = of_means(*(np.array([of_gm[gm] for gm in gms]) for gms in sets))["mean"]
        for shared in rejected:
            names = [tuple(gms) if shared else () for gms in sets]
            parts = [replace(part, gms=one) for part, one in zip(made, names, strict=True)]
            rejected[shared] += permutation_tests({"mean": parts}, 199, world)["mean"] <= 0.05
    assert rejected[True] <= 0.07 * 300
    assert rejected[False] >= 0.12 * 300


def test_methods_are_compared_by_gms() -> None:
    one = random_predictions(small_benchmark(2, "red116-dm"), 0)
    found = parts(one)
    assert [part.gms for part in found["l1"]] == [table.gms for table in set_tables(one)]
    kept = {metric.name: found[metric.name] for metric in COMPARED}
    assert [len(of_set) for of_set in Half(kept).contributions] == [7]


def test_as_if_every_exchange_were_made() -> None:
    """Against all exchanges of two sets, each studentised with plain t statistics."""
    generator = np.random.default_rng(2)
    sets = [generator.normal(0.5, 1, 5), generator.normal(0.2, 3, 4)]
    statistics = []
    for signs in product((1, -1), repeat=9):
        turned = [sets[0] * signs[:5], sets[1] * signs[5:]]
        error = np.sqrt(sum(stats.sem(one) ** 2 for one in turned)) / 2
        statistics.append(abs(np.mean([one.mean() for one in turned])) / error)
    exact = np.mean(np.array(statistics) >= statistics[0] * (1 - 1e-9))
    found = permutation_tests(of_means(*sets), 100_000, seed=0)
    assert found["mean"] == pytest.approx(exact, abs=0.008)
    assert 0.01 < exact < 0.9


def test_the_smallest_p_value_counts_the_methods_as_they_are() -> None:
    benchmark = small_benchmark(4)
    good = random_predictions(benchmark, 0)
    truth = benchmark.labels[good.gms]
    right = replace(good.values, continuous=truth[:, :9])
    clear = difference(replace(good, values=right), good)
    assert permutation_tests(clear, 99, seed=0)["l1"] == 0.01
    assert permutation_tests(clear, 9_999, seed=0)["l1"] == 0.0001
    assert permutation_tests(difference(good, good), 99, seed=0)["l1"] == 1.0


def test_many_differences_are_tested_as_each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(5)
    sets = [generator.normal(0.3, 1, (n, 40)) for n in (6, 5)]
    sets[0][:, 0] = sets[1][:, 0] = 0.0
    sets[0][2, 1] = np.nan
    alone = [exchange_tests([one[:, k : k + 1] for one in sets], 2000, 0)[0] for k in range(40)]
    np.testing.assert_array_equal(exchange_tests(sets, 2000, 0), alone)
    assert alone[0] == 1.0
    assert np.isnan(alone[1])
    # However many are worked on at once.
    monkeypatch.setattr("gmbench.evaluation.permutations._NUMBERS", 77)
    np.testing.assert_array_equal(exchange_tests(sets, 2000, 0), alone)


def test_an_undefined_difference_has_no_p_value() -> None:
    (part,) = of_means(np.arange(3.0))["mean"]
    undefined = replace(part, left_out=np.array([1.0, np.nan, 0.0]))
    assert np.isnan(permutation_tests({"mean": [undefined]}, 99, seed=0)["mean"])


def test_seeded() -> None:
    apart = difference(*(random_predictions(small_benchmark(2), seed) for seed in (1, 2)))
    found = [permutation_tests(apart, 500, seed) for seed in (0, 0, 1)]
    assert found[0] == found[1] != found[2]
