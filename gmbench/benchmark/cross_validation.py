"""Sets of training GMs to choose settings on, so that no choice ever looks at a test set."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gmbench.benchmark.benchmark import Benchmark
from gmbench.errors import BenchmarkError

FOLDS = 4


def validation_benchmark(benchmark: Benchmark, seed: int = 0) -> Benchmark:
    """Returns a benchmark of the GMs that are in no test set, with four sets of its own.

    Its GMs with images are dealt out kind by kind, so that each set has its share of every kind.
    Labels and their ranges are the whole benchmark's; test GMs are as if they had no images.

    Args:
        benchmark: The benchmark.
        seed: Seed of the draw.

    Raises:
        BenchmarkError: Fewer than two GMs for each set are left.
    """
    tests = {name for members in benchmark.sets.values() for name in members}
    counts = tuple(
        0 if gm.name in tests else n
        for gm, n in zip(benchmark.gms, benchmark.n_images, strict=True)
    )
    left = [gm for gm, n in zip(benchmark.gms, counts, strict=True) if n]
    if len(left) < 2 * FOLDS:
        raise BenchmarkError(
            f"{benchmark.name} has {len(left)} GMs with images outside of its test sets; choosing "
            f"on them takes {2 * FOLDS} or more."
        )
    generator = np.random.default_rng([seed, 0xCF])
    shuffled = [left[row] for row in generator.permutation(len(left)).tolist()]
    dealt = sorted(shuffled, key=lambda gm: gm.kind)
    sets = {
        f"validation_{fold + 1}": tuple(gm.name for gm in dealt[fold::FOLDS])
        for fold in range(FOLDS)
    }
    name = f"{benchmark.name}-validation"
    return replace(benchmark, name=name, sets=sets, n_images=counts)
