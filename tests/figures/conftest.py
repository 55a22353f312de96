from __future__ import annotations

import pytest

from gmbench.benchmark.benchmark import Benchmark
from gmbench.predictions.predictions import Predictions
from tests.evaluation.populations import random_predictions, small_benchmark


@pytest.fixture(scope="session")
def benchmark() -> Benchmark:
    return small_benchmark(3)


@pytest.fixture(scope="session")
def predictions(benchmark: Benchmark) -> dict[str, Predictions]:
    return {name: random_predictions(benchmark, seed) for seed, name in enumerate(("one", "two"))}
