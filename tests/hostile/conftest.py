from __future__ import annotations

import pytest

from gmbench.benchmark.benchmark import Benchmark
from tests.training.families import family_benchmark


@pytest.fixture(scope="session")
def families() -> Benchmark:
    return family_benchmark()
