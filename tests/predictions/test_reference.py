"""What labels alone predict, against sums of its own and by hand."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import gmbench
from gmbench.benchmark.benchmark import Benchmark
from gmbench.errors import UnknownNameError
from gmbench.evaluation.evaluate import evaluate
from gmbench.evaluation.floors import floor
from gmbench.predictions.reference import (
    kind_oracle,
    mean_mode,
    median_mode,
    random_f1,
    rates_of_highest_f1,
)
from tests.evaluation.populations import small_benchmark


def test_the_median_has_the_known_l1_on_red116() -> None:
    """DESIGN: 0.151, less than the mean's 0.155; here without any code of the evaluator."""
    benchmark = gmbench.load_benchmark("red116")
    counts = benchmark.labels[:, :9]
    scaled = (counts - counts.min(axis=0)) / np.ptp(counts, axis=0)
    by_set = []
    for test in benchmark.sets.values():
        tested = np.isin([gm.name for gm in benchmark.gms], test)
        by_set.append(np.abs(scaled[tested] - np.median(scaled[~tested], axis=0)).mean())
    assert np.mean(by_set) == pytest.approx(0.151, abs=5e-4)
    summary = evaluate(median_mode(benchmark), replicates=0).summary
    of_mean = evaluate(mean_mode(benchmark), replicates=0).summary
    assert summary["l1"].mean == pytest.approx(np.mean(by_set), abs=1e-12)
    # At the threshold of one half a base rate says what the mode does: red116 has no tie.
    for metric in ("arch_f1", "arch_accuracy", "loss_f1", "loss_accuracy"):
        assert summary[metric] == of_mean[metric], metric


def test_the_median_of_three_training_gms_by_hand() -> None:
    benchmark = small_benchmark(1)
    chosen = benchmark.gms[:4]
    counts, classes = (1.0, 3.0, 100.0, 7.0), (2.0, 1.0, 2.0, 0.0)
    losses = (1.0, 0.0, 1.0, 0.0)
    gms = tuple(
        replace(gm, values=(count,) * 9 + (kind,) * 2 + (0.0,) * 4 + (loss,) * 10)
        for gm, count, kind, loss in zip(chosen, counts, classes, losses, strict=True)
    )
    one_set = {"only": (gms[3].name,)}
    made = median_mode(replace(benchmark, gms=gms, sets=one_set, n_images=(1,) * 4)).values
    assert made.continuous.tolist() == [[3.0] * 9]
    assert made.discrete.tolist() == [[2, 2, 0, 0, 0, 0]]
    np.testing.assert_allclose(made.losses, 2 / 3, rtol=1e-15)
    assert made.probabilities["normalization"].tolist() == [[0, pytest.approx(1 / 3), 2 / 3, 0]]
    assert made.probabilities["upsampling"].tolist() == [[1, 0]]


def test_the_median_needs_no_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = None; import gmbench;"
        "print(len(gmbench.run_baseline('median_mode')))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(ran.stdout) == len(gmbench.run_baseline("mean_mode"))


def _expected_f1(p: np.ndarray, q: np.ndarray) -> float:
    return float((2 * p * p * q / np.maximum(p + q, 1e-300)).sum())


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_no_other_rates_have_a_higher_expected_f1(n_classes: int) -> None:
    generator = np.random.default_rng(n_classes)
    for _ in range(20):
        p = generator.dirichlet(np.full(n_classes, 0.7))
        best = rates_of_highest_f1(p)
        assert best.sum() == pytest.approx(1)
        assert (best >= 0).all()
        for other in generator.dirichlet(np.full(n_classes, 0.5), size=200):
            for q in (other, 0.99 * best + 0.01 * other):
                assert _expected_f1(p, q) <= _expected_f1(p, best) + 1e-12


def test_the_floors_have_the_known_figures_on_red116() -> None:
    """The mode has an arch F1 of 0.466; draws have 0.487, and the kind alone gives 0.708."""
    benchmark = gmbench.load_benchmark("red116")
    summary = evaluate(random_f1(benchmark), replicates=0).summary
    assert summary["arch_f1"].mean == pytest.approx(0.487, abs=2e-3)
    assert summary["l1"].mean == evaluate(median_mode(benchmark), replicates=0).summary["l1"].mean
    of_kinds = evaluate(kind_oracle(benchmark), replicates=0).summary
    assert of_kinds["l1"].mean == pytest.approx(0.133, abs=1e-3)
    assert of_kinds["arch_f1"].mean == pytest.approx(0.708, abs=1e-3)
    assert floor("l1", benchmark) is not None
    for metric, method in (("arch_f1", "random_f1"), ("loss_skill", "median_mode")):
        found = floor(metric, benchmark)
        assert found is not None
        assert found.method == method
    assert floor("ransac_slope", benchmark) is None
    assert floor("p_value", benchmark) is None
    with pytest.raises(UnknownNameError, match="Did you mean arch_f1"):
        floor("arch_f", benchmark)


def test_draws_are_seeded() -> None:
    benchmark = small_benchmark(3)
    first, again, other = (random_f1(benchmark, seed).sha256 for seed in (0, 0, 1))
    assert first == again != other


def test_a_kind_without_training_gms_is_predicted_from_all() -> None:
    benchmark = small_benchmark(1)
    alone = replace(benchmark.gms[0], kind="other")
    changed = replace(benchmark, gms=(alone, *benchmark.gms[1:]), sets={"only": (alone.name,)})
    made, expected = kind_oracle(changed), median_mode(changed)
    assert made.values.to_array().tolist() == expected.values.to_array().tolist()


def _without(benchmark: Benchmark, column: int, gms: set[str]) -> Benchmark:
    """The benchmark with one label of some GMs unknown."""
    changed = []
    for gm in benchmark.gms:
        values = list(gm.values)
        values[column] = float("nan") if gm.name in gms else values[column]
        changed.append(replace(gm, values=tuple(values)))
    return replace(benchmark, gms=tuple(changed))


def test_what_is_known_of_no_gm_of_a_kind_has_the_frequencies_of_all() -> None:
    benchmark = gmbench.load_benchmark("red116")
    flows = {gm.name for gm in benchmark.gms if gm.kind == "NF"}
    changed = _without(benchmark, 9, flows)
    asked = [changed.gms[row].name in flows for row in kind_oracle(changed).gms.tolist()]
    of_kinds, of_all = (
        method(changed).values.probabilities["normalization"][asked]
        for method in (kind_oracle, median_mode)
    )
    assert of_kinds.tolist() == of_all.tolist()
    assert of_kinds.max() < 1
