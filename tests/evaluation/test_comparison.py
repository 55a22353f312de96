from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from gmbench.errors import GmbenchError, PredictionError
from gmbench.evaluation.comparison import COMPARED, compare, method_names
from gmbench.evaluation.evaluate import evaluate
from gmbench.predictions.reference import mean_mode, random_labels
from tests.evaluation.populations import random_predictions, small_benchmark


def test_values_are_those_of_evaluate() -> None:
    benchmark = small_benchmark(5)
    a, b = random_predictions(benchmark, 1, "a.csv"), random_predictions(benchmark, 2, "b.csv")
    result = compare(a, b, replicates=100, permutations=100)
    assert result.methods == ("a", "b")
    for name, predictions in (("a", a), ("b", b)):
        summary = evaluate(predictions, replicates=0).summary
        for metric in COMPARED:
            assert result.values[name][metric.name] == pytest.approx(summary[metric.name].mean)
    for one in result.differences:
        assert one.ci is not None
        assert one.difference is not None
        assert one.ci[0] <= one.difference <= one.ci[1]
    json.dumps(result.to_dict(), allow_nan=False)


def test_three_methods_make_three_pairs_and_one_family() -> None:
    benchmark = small_benchmark(4)
    methods = [random_predictions(benchmark, seed, f"{seed}.csv") for seed in range(3)]
    result = compare(*methods, replicates=50, permutations=99)
    assert len(result.differences) == 3 * len(COMPARED)
    for one in result.differences:
        assert one.p_value is not None
        assert one.p_holm is not None
        assert one.p_value <= one.p_holm


def test_a_clear_winner_wins_and_a_twin_does_not() -> None:
    benchmark = small_benchmark(10)
    good, bad = random_predictions(benchmark, 0, "good"), random_labels(benchmark, 0)
    result = compare(good, bad, permutations=2000)
    better = {one.metric: one.better for one in result.differences}
    assert {better[name] for name in ("correlation", "arch_f1", "loss_f1")} == {"good"}
    assert "random_labels" not in better.values()
    twin = compare(good, replace(good, source="twin"), replicates=50, permutations=200)
    for one in twin.differences:
        assert one.difference == 0
        assert one.p_value == 1
        assert one.better == ""


def test_shuffled_methods_are_rarely_significant() -> None:
    """Under the null hypothesis about one p-value in twenty is below 0.05."""
    benchmark = small_benchmark(3)
    benchmark = replace(benchmark, sets={name: gms[:6] for name, gms in benchmark.sets.items()})
    low = 0
    for seed in range(40):
        a, b = (random_predictions(benchmark, 1000 + 2 * seed + k, str(k)) for k in (0, 1))
        result = compare(a, b, replicates=20, permutations=199, seed=seed)
        first = next(one for one in result.differences if one.metric == "l1")
        assert first.p_value is not None
        low += first.p_value < 0.05
    assert low <= 7


def test_undefined_metrics_are_null_and_untested() -> None:
    benchmark = small_benchmark(4)
    guess = random_predictions(benchmark, 0, "guess")
    middle = np.tile(benchmark.minimum + benchmark.span / 2, (len(guess), 1))
    constant = replace(guess, source="c", values=replace(guess.values, continuous=middle))
    by_metric = {
        one.metric: one
        for one in compare(guess, constant, replicates=20, permutations=50).differences
    }
    assert by_metric["correlation"].difference is None
    assert by_metric["correlation"].p_holm is None
    assert by_metric["l1"].p_holm is not None


def test_needs_two_methods_on_the_same_images_and_benchmark() -> None:
    benchmark = small_benchmark(4)
    whole = mean_mode(benchmark)
    with pytest.raises(GmbenchError, match="two or more"):
        compare(whole)
    part = whole.take(np.arange(100))
    with pytest.raises(PredictionError, match=r"lacks 92 of the 192 images.*such as"):
        compare(whole, replace(part, source="part"), partial=True)
    with pytest.raises(PredictionError, match=r"lacks 92 of the 192 images"):
        compare(replace(part, source="part"), whole, partial=True)
    with pytest.raises(PredictionError, match=r"part cannot be scored\.\nfailed +sets_whole"):
        compare(whole, replace(part, source="part"))
    other = mean_mode(small_benchmark(4, "red116-dm"))
    with pytest.raises(PredictionError, match=r"Give predictions of one benchmark\."):
        compare(whole, other)


@pytest.mark.parametrize(
    ("sources", "names"),
    [
        (["x/a.csv", "b.csv.gz"], ("a", "b")),
        (["x/a.csv", "y/a.csv"], ("x/a.csv", "y/a.csv")),
        (["a.csv", "a.csv"], ("a_1", "a_2")),
        (["lr0.01.CSV", "lr0.001.pq", ".a.csv"], ("lr0.01", "lr0.001", ".a")),
        ([".csv", "."], (".csv", ".")),
    ],
)
def test_names(sources: list[str], names: tuple[str, ...]) -> None:
    assert method_names(sources) == names
