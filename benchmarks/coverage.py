"""How often do the 95% intervals cover the truth? A simulation for docs/statistics.md.

A world is four sets of 12 GMs, drawn kind by kind from red116's label rows (`worlds.py`), or one
set of 116; its intervals are computed by the evaluator's own functions. An interval is right if it
contains the expected score of such a set: the mean over very many sets. Intervals that ignore the
kinds are computed for comparison.

    python benchmarks/coverage.py --worlds 1000
    python benchmarks/coverage.py --worlds 300 --all-gms
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from worlds import JUDGED, TWELVE, World, values_of

from gmbench.benchmark.benchmark import load_benchmark
from gmbench.evaluation.intervals import bootstrap, interval, resample, resampled_images
from gmbench.evaluation.set_table import SetTable

Tally = dict[str, list[tuple[float, float]]]


def intervals_of(tables: list[SetTable], replicates: int, seed: int) -> Tally:
    """Returns each metric's interval of the mean over sets."""
    samples = []
    for table in tables:
        images = resampled_images(table, replicates=replicates, seed=seed)
        samples.append(bootstrap(table, images))
    found = {}
    for metric in JUDGED:
        if metric.value is None:
            continue
        pairs = zip(tables, samples, strict=True)
        parts = [resample(metric.value, table, sample) for table, sample in pairs]
        found[metric.name] = [interval(parts, metric.bounds) or (np.nan, np.nan)]
    return found


def without_kinds(table: SetTable) -> SetTable:
    """Returns the set as if all its GMs were of one kind."""
    return replace(table, truth=replace(table.truth, kinds=("any",) * len(table.gms)))


def expected_scores(world: World, sizes: Mapping[str, int], n_sets: int) -> dict[str, float]:
    """Returns each metric's mean over many sets."""
    scores = [values_of(world.predict("x", world.draw_gms(sizes)).sums) for _ in range(n_sets)]
    return {m.name: float(np.nanmean([score[m.name] for score in scores])) for m in JUDGED}


def coverage(
    world: World, sizes: Mapping[str, int], n_sets: int, *, worlds: int, replicates: int
) -> dict[str, Tally]:
    """Returns the intervals of each metric in many worlds, by how they are computed."""
    found: dict[str, Tally] = {}
    for number in range(worlds):
        tables = [world.predict(f"set_{k + 1}", world.draw_gms(sizes)) for k in range(n_sets)]
        ways = {"mean of the sets": tables, "without kinds": [without_kinds(t) for t in tables]}
        if n_sets > 1:
            ways = {"one set": tables[:1], **ways}
        for way, of in ways.items():
            for name, pair in intervals_of(of, replicates, number).items():
                found.setdefault(way, {}).setdefault(name, []).extend(pair)
    return found


def main() -> None:
    """Simulates and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=1000)
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--images", type=int, default=50)
    parser.add_argument("--expected-from", type=int, default=4000, help="sets behind the truth")
    parser.add_argument("--all-gms", action="store_true", help="one set of 116 GMs")
    arguments = parser.parse_args()
    world = World(load_benchmark("red116"), arguments.images, seed=0)
    sizes = world.all_kinds if arguments.all_gms else TWELVE
    expected = expected_scores(world, sizes, arguments.expected_from)
    found = coverage(
        world,
        sizes,
        1 if arguments.all_gms else 4,
        worlds=arguments.worlds,
        replicates=arguments.replicates,
    )
    print(f"| metric | expected | {' | '.join(found)} |")
    print("|---" * (2 + len(found)) + "|")
    for metric in JUDGED:
        truth, cells = expected[metric.name], []
        for tally in found.values():
            ends = np.array(tally[metric.name])
            held = (ends[:, 0] <= truth) & (truth <= ends[:, 1])
            cells.append(f"{100 * held.mean():.1f}% ({np.nanmean(ends[:, 1] - ends[:, 0]):.3f})")
        print(f"| {metric.name} | {truth:.4f} | {' | '.join(cells)} |")
    print(
        f"\nCoverage of nominal 95% intervals and, in brackets, their mean width; "
        f"{arguments.worlds} worlds,\n{arguments.images} images a GM, {arguments.replicates} "
        f"replicates, sets of {sum(sizes.values())} GMs, seed 0."
    )


if __name__ == "__main__":
    main()
