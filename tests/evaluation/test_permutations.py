from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from gmbench.benchmark.benchmark import Benchmark
from gmbench.evaluation import permutations
from gmbench.evaluation.comparison import COMPARED
from gmbench.evaluation.evaluate import evaluate
from gmbench.evaluation.permutations import permutation_tests
from gmbench.evaluation.statistics import GMSums, set_tables
from gmbench.predictions.predictions import Predictions
from tests.evaluation.populations import random_predictions, small_benchmark


def sums(predictions: Predictions) -> list[GMSums]:
    return [table.sums for table in set_tables(predictions)]


def few_gms() -> Benchmark:
    """Two sets of three GMs."""
    benchmark = small_benchmark(3)
    names = list(benchmark.index)
    return replace(benchmark, sets={"set_1": tuple(names[:3]), "set_2": tuple(names[40:43])})


def exchanged(first: Predictions, second: Predictions, gms: list[int]) -> Predictions:
    """The first method's predictions, those of some GMs being the second's."""
    chosen = np.isin(first.gms, gms)
    parts = [
        np.where(chosen[:, None], getattr(second.values, name), getattr(first.values, name))
        for name in ("continuous", "discrete", "losses")
    ]
    return replace(first, values=type(first.values)(*parts))


def test_as_if_every_exchange_were_evaluated() -> None:
    """Against all 64 exchanges, each made of prediction files and scored by `evaluate`."""
    benchmark = few_gms()
    a, b = (random_predictions(benchmark, seed) for seed in (3, 4))
    present = np.unique(a.gms).tolist()
    means = []
    for way in product((False, True), repeat=len(present)):
        gms = [gm for gm, is_exchanged in zip(present, way, strict=True) if is_exchanged]
        summary = evaluate(exchanged(a, b, gms), replicates=0).summary
        means.append([summary[metric.name].mean for metric in COMPARED])
    # The other method has the exchange of all other GMs: the ways run from none to all.
    every = np.abs(np.array(means, float) - np.array(means, float)[::-1])
    exact = (every >= every[0] - 1e-12).mean(axis=0)
    found = permutation_tests(sums(a), sums(b), COMPARED, 40_000, seed=0)
    assert [*found] == [metric.name for metric in COMPARED]
    # Six standard errors of 40,000 draws.
    np.testing.assert_allclose(list(found.values()), exact, atol=0.015)
    assert 0.005 < min(exact) < max(exact) < 0.995


def test_large_sets_are_tested_by_the_same_law(monkeypatch: pytest.MonkeyPatch) -> None:
    benchmark = small_benchmark(2)
    a, b = (sums(random_predictions(benchmark, seed)) for seed in (1, 2))
    small = permutation_tests(a, b, COMPARED, 20_000, seed=0)
    monkeypatch.setattr(permutations, "_MOST_GMS", 3)
    large = permutation_tests(a, b, COMPARED, 5_000, seed=0)
    assert small == {name: pytest.approx(p, abs=0.04) for name, p in large.items()}
    assert small != large


def test_the_smallest_p_value_counts_the_methods_as_they_are() -> None:
    benchmark = small_benchmark(4)
    good = random_predictions(benchmark, 0)
    truth = benchmark.labels[good.gms]
    right = replace(good.values, continuous=truth[:, :9])
    tables = sums(replace(good, values=right)), sums(good)
    assert permutation_tests(*tables, COMPARED, 99, seed=0)["l1"] == 0.01
    assert permutation_tests(*tables, COMPARED, 9_999, seed=0)["l1"] == 0.0001
    assert permutation_tests(tables[0], tables[0], COMPARED, 99, seed=0)["l1"] == 1.0


def test_seeded() -> None:
    benchmark = small_benchmark(2)
    a, b = (sums(random_predictions(benchmark, seed)) for seed in (1, 2))
    found = [permutation_tests(a, b, COMPARED, 500, seed) for seed in (0, 0, 1)]
    assert found[0] == found[1] != found[2]
