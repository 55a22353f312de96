"""Do intervals and tests hold where sets share GMs? For docs/statistics.md.

The four sets of diffusion models have seven GMs in twelve places. Each world draws an error for
every GM, which is 0 in expectation, and one for every place; the figure is the mean over the sets
of their means. Intervals and tests are those of gmbench, as they are and as if every place had a GM
of its own.

    python benchmarks/shared_gms.py
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

from gmbench.benchmark.benchmark import load_benchmark
from gmbench.evaluation.intervals import Resampled, interval
from gmbench.evaluation.permutations import permutation_tests
from gmbench.evaluation.resampling import bootknife
from gmbench.evaluation.statistics import Array

SETS = tuple(load_benchmark("red116-dm").sets.values())
GMS = sorted({gm for gms in SETS for gm in gms})


def mean_of(
    values: Array, gms: tuple[str, ...], replicates: int, generator: np.random.Generator
) -> Resampled:
    """Returns the mean of a set's values with its replicates; all GMs are of one kind."""
    strata = np.zeros(len(values), np.int64)
    drawn = values[bootknife(generator, strata.tolist(), replicates)].mean(axis=1)
    left_out = (values.sum() - values) / (len(values) - 1)
    return Resampled(np.asarray(values.mean()), drawn, left_out, strata, gms)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=1000)
    parser.add_argument("--replicates", type=int, default=500)
    options = parser.parse_args()
    print("| spread of places to GMs | GMs shared | covered | width | told apart at 5% |")
    print("|---|---|---|---|---|")
    for noise in (0.0, 0.5, 1.0):
        for shared in (True, False):
            generator = np.random.default_rng(0)
            covered, width, apart = 0, 0.0, 0
            for world in range(options.worlds):
                of_gm = dict(zip(GMS, generator.normal(size=len(GMS)), strict=True))
                parts = []
                for gms in SETS:
                    own = noise * generator.normal(size=len(gms))
                    values = np.array([of_gm[gm] for gm in gms]) + own
                    made = mean_of(values, gms, options.replicates, generator)
                    parts.append(made if shared else replace(made, gms=()))
                found = interval(parts)
                assert found is not None
                covered += found[0] <= 0 <= found[1]
                width += found[1] - found[0]
                apart += permutation_tests({"mean": parts}, 999, world)["mean"] <= 0.05
            n = options.worlds
            print(
                f"| {noise} | {'yes' if shared else 'as if not'} | {covered / n:.1%} "
                f"| {width / n:.2f} | {apart / n:.1%} |"
            )


if __name__ == "__main__":
    main()
