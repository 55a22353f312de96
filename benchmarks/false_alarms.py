"""How often do two equally good methods differ at the 5% level? For docs/statistics.md.

Two simulated methods (`worlds.py`) predict the same GMs: one knows half of every GM, the other all
of half of the GMs and nothing of the others. In expectation they are equally good in l1 and
accuracy; for other metrics, the expected difference is subtracted first.

    python benchmarks/false_alarms.py --worlds 1000
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from worlds import JUDGED, TWELVE, World, values_of

from gmbench.benchmark.benchmark import load_benchmark
from gmbench.evaluation.intervals import resample
from gmbench.evaluation.permutations import permutation_tests
from gmbench.evaluation.set_table import SetTable
from gmbench.evaluation.significance import SetErrors, p_value_over_sets
from gmbench.evaluation.statistics import Array


def draw(world: World, sizes: Mapping[str, int], n_sets: int) -> list[tuple[SetTable, SetTable]]:
    """Returns the predictions of the two methods for each set."""
    made = []
    for number in range(n_sets):
        gms, name = world.draw_gms(sizes), f"set_{number + 1}"
        made.append((world.predict(name, gms, "even"), world.predict(name, gms, "all or nothing")))
    return made


def expected_difference(world: World, sizes: Mapping[str, int], n_sets: int) -> dict[str, Array]:
    """Returns each metric's mean difference over many sets."""
    apart = []
    for one, other in draw(world, sizes, n_sets):
        first, second = values_of(one.sums), values_of(other.sums)
        apart.append({name: first[name] - second[name] for name in first})
    return {m.name: np.asarray(np.nanmean([one[m.name] for one in apart])) for m in JUDGED}


def false_alarms(
    world: World, sizes: Mapping[str, int], n_sets: int, *, worlds: int, expected_from: int
) -> dict[str, float]:
    """Returns how often each test rejects at 5%; `p_value` is that of `gmbench evaluate`."""
    expected = expected_difference(world, sizes, expected_from)
    alarms = dict.fromkeys([m.name for m in JUDGED] + ["p_value"], 0)
    for number in range(worlds):
        pairs = draw(world, sizes, n_sets)
        apart = {}
        for metric in JUDGED:
            if metric.value is None:
                continue
            parts = [
                resample(metric.value, a, None) - resample(metric.value, b, None) for a, b in pairs
            ]
            apart[metric.name] = [
                replace(part, value=part.value - expected[metric.name]) for part in parts
            ]
        for name, p_value in permutation_tests(apart, 999, seed=number).items():
            alarms[name] += p_value <= 0.05
        gms = [[f"{a.name} {gm}" for gm in a.gms] for a, _ in pairs]
        errors = [[SetErrors.of(pair[method]).of_gms for pair in pairs] for method in (0, 1)]
        alarms["p_value"] += p_value_over_sets(gms, *errors) <= 0.05
    return {name: count / worlds for name, count in alarms.items()}


def main() -> None:
    """Simulates and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=1000)
    parser.add_argument("--images", type=int, default=10)
    parser.add_argument("--expected-from", type=int, default=4000, help="sets behind the truth")
    arguments = parser.parse_args()
    world = World(load_benchmark("red116"), arguments.images, seed=0)
    shapes = {
        "one set of 12": (TWELVE, 1),
        "four sets of 12": (TWELVE, 4),
        "one set of 116": (world.all_kinds, 1),
    }
    found = {
        title: false_alarms(
            world, sizes, n, worlds=arguments.worlds, expected_from=arguments.expected_from
        )
        for title, (sizes, n) in shapes.items()
    }
    print(f"| metric | {' | '.join(found)} |")
    print("|---" * (1 + len(found)) + "|")
    for name in [m.name for m in JUDGED] + ["p_value"]:
        print(f"| {name} | {' | '.join(f'{100 * of[name]:.1f}%' for of in found.values())} |")
    print(f"\nRejected at 5%; {arguments.worlds} worlds, {arguments.images} images a GM, seed 0.")


if __name__ == "__main__":
    main()
