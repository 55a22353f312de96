"""Simulations with known truth: do intervals cover it, do tests keep to their level?

docs/statistics.md has the rates of more worlds. Here are few, and wide margins.
"""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gmbench.benchmark.benchmark import load_benchmark

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SCORES = ("l1", "correlation", "arch_f1", "arch_skill", "loss_f1", "loss_accuracy", "loss_auc")
Load = Callable[[str], dict[str, Any]]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """Loads a script of `benchmarks/`, which finds its neighbours there."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return lambda name: runpy.run_path(str(BENCHMARKS / f"{name}.py"))


@pytest.mark.slow
@pytest.mark.parametrize(("all_gms", "n_sets", "worlds"), [(False, 4, 50), (True, 1, 15)])
def test_intervals_cover_the_expected_score(
    load: Load, all_gms: bool, n_sets: int, worlds: int
) -> None:
    """At 12 GMs a set and at 116."""
    script = load("coverage")
    world = script["World"](load_benchmark("red116"), 10, seed=1)
    sizes = world.all_kinds if all_gms else script["TWELVE"]
    expected = script["expected_scores"](world, sizes, 150 if all_gms else 1000)
    found = script["coverage"](world, sizes, n_sets, worlds=worlds, replicates=300)
    rates = []
    for name in SCORES:
        ends = np.array(found["mean of the sets"][name])
        rates.append(np.mean((ends[:, 0] <= expected[name]) & (expected[name] <= ends[:, 1])))
    assert np.mean(rates) > 0.87
    assert min(rates) > 0.7


@pytest.mark.slow
@pytest.mark.parametrize(("all_gms", "n_sets", "worlds"), [(False, 4, 150), (True, 1, 40)])
def test_equal_methods_rarely_differ(load: Load, all_gms: bool, n_sets: int, worlds: int) -> None:
    """Where one method's errors vary far more between GMs than the other's."""
    script = load("false_alarms")
    world = script["World"](load_benchmark("red116"), 3, seed=1)
    sizes = world.all_kinds if all_gms else script["TWELVE"]
    rates = script["false_alarms"](
        world, sizes, n_sets, worlds=worlds, expected_from=150 if all_gms else 1000
    )
    assert np.mean([rates[name] for name in SCORES]) < 0.09
    assert rates["p_value"] < 0.13
